"""A machine of a fresh unprivileged user behind a private sshd, with whatever is wrong with it.

The sshd runs in a mount namespace of its own, where a home can be full or unwritable and the system's Python hidden
without anybody else noticing; it needs root, and tests that use it are skipped by name without.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.home import Home
from tests.sshd import SSHD, Sshd

_TOOLS = ("useradd", "userdel", "unshare", "mount")
_MISSING = [tool for tool in _TOOLS if shutil.which(tool) is None]

needs_machine = pytest.mark.skipif(
    SSHD is None or os.getuid() != 0 or bool(_MISSING),
    reason="a machine of its own needs root, an sshd, useradd and mount namespaces",
)


class Machine:
    """One user's machine. `home` is the user's there; `operator` is the operator's own, whose ssh knows it as `box`."""

    def __init__(self, directory: Path, operator: Home, shell: str) -> None:
        self.directory = directory
        self.home = directory / "user"
        self.operator = operator
        self.name = f"rt{secrets.token_hex(4)}"
        self.mounts: list[str] = []
        subprocess.run(
            [
                "useradd",
                "--no-user-group",
                "-g",
                "nogroup",
                "-d",
                str(self.home),
                "-m",
                "-p",
                "*",
                "-s",
                shell,
                self.name,
            ],
            check=True,
            capture_output=True,
        )
        self.user = pwd.getpwnam(self.name)
        self.server = Sshd(directory / "sshd")
        self.server.home = None  # the user has one

    def mount(self, *words: str) -> None:
        """Have `mount` run with these words in the machine's namespace before sshd starts."""
        self.mounts.append(shlex.join(["mount", *words]))

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file of the user's."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        subprocess.run(["chown", "-R", f"{self.user.pw_uid}:{self.user.pw_gid}", str(self.home)], check=True)
        return path

    def only_python(self, python: str) -> None:
        """Let `python` be the only one here; one that no user may read is shown where it was built to stand."""
        self.hide_python()
        prefix = Path(python).resolve().parents[1]
        shown = self.directory / "python"
        shown.mkdir()
        self.mount("--bind", str(prefix), str(shown))
        closed = next((path for path in reversed(prefix.parents) if not path.stat().st_mode & 0o001), None)
        if closed is not None:
            self.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed))
            self.mounts.append(shlex.join(["mkdir", "-p", str(prefix)]))
            self.mount("--bind", str(shown), str(prefix))
        self.write(".local/bin/.keep", "")
        (self.home / ".local/bin" / Path(python).resolve().name).symlink_to(Path(python).resolve())

    def hide_python(self, says: str = "Python 3.6.8") -> None:
        """Have the system's Python be one that is too old."""
        old = self.directory / "old-python"
        old.write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo "{says}"\nexit 1\n')
        old.chmod(0o755)
        for path in {os.path.realpath(path) for path in Path("/usr/bin").glob("python3*") if os.access(path, os.X_OK)}:
            self.mount("--bind", str(old), path)

    async def start(self, *sshd_lines: str) -> None:
        """Start sshd and let the operator's ssh know the machine, its host key on record, as `box` and as `gpu-box`."""
        server = self.server
        await asyncio.to_thread(server.prepare)
        server.directory.chmod(0o755)
        server.authorized.chmod(0o644)
        script = " && ".join([*self.mounts, 'exec "$@"'])
        server.wrapper = ["unshare", "-m", "sh", "-c", script, "sshd"]
        await server.start(*sshd_lines)
        config = server.write_config("box", "gpu-box", user=self.name)
        programs = self.operator.directory / "bin"
        programs.mkdir(exist_ok=True)
        ssh = programs / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        ssh.chmod(0o755)
        self.operator.env["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def processes(self) -> list[int]:
        """Process ids of all that runs as the user."""
        listed = subprocess.run(["ps", "-U", self.name, "-o", "pid="], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    async def stop(self) -> None:
        """End sshd and everything of the user, then the user."""
        await self.server.stop()
        async with asyncio.timeout(15):
            while pids := await asyncio.to_thread(self.processes):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.02)
        subprocess.run(["userdel", self.name], check=True, capture_output=True)
        shutil.rmtree(Path(tempfile.gettempdir()) / f"relaytui-{self.user.pw_uid}", ignore_errors=True)


@asynccontextmanager
async def fresh_machine(shell: str = "/bin/bash") -> AsyncIterator[Machine]:
    """A machine that is not started yet, removed with its user at the end."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        operator = Home(directory / "operator")
        machine = Machine(directory, operator, shell)
        try:
            yield machine
        finally:
            operator.close()
            await machine.stop()


async def add_node(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    """`relaytui node add box` as the operator."""
    return await run(machine, "node", "add", "box", *words)


async def run(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(machine.operator.run, *words, timeout=60)


def pushed(machine: Machine, base: str = ".local/share/relaytui") -> Sequence[str]:
    """Names of what was unpacked below the user's home."""
    agents = machine.home / base / "agents"
    return sorted(path.name for path in agents.iterdir()) if agents.exists() else ()
