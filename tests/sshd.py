"""A private sshd on loopback with keys and config of its own; the user's ~/.ssh is never read.

`async with open_sshd(directory) as server:` then `server.node("name")` is a node config that reaches it. Tests that
need it are skipped by name where no sshd is installed; `needs_sshd` marks them.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from relaytui.config import NodeConfig
from tests.processes import children_of

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")

needs_sshd = pytest.mark.skipif(SSHD is None, reason="no sshd is installed")


class Sshd:
    """A running sshd, and nodes and SSH configs that keep away from the operator's own keys and records."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.known_hosts = directory / "known_hosts"
        self.identity = directory / "user_key"
        self.host_key = directory / "host_key"
        self.authorized = directory / "authorized_keys"
        self.config = directory / "ssh_config"
        self.home: Path | None = directory / "home"  # of logins: what a person's shell reads there is not for tests
        self.wrapper: list[str] = []  # a command that sshd is run by
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make keys and files; the host is known and the user's key allowed until a test changes that."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.home is not None:
            self.home.mkdir(exist_ok=True)
        make_key(self.identity)
        make_key(self.host_key)
        self.allow()
        self.trust()

    def allow(self, options: str = "", key: Path | None = None) -> None:
        """Let the user's key in, with authorized_keys `options` ("restrict" and so on)."""
        public = (key or self.identity).with_suffix(".pub").read_text()
        self.authorized.write_text(f"{options} {public}".lstrip())
        self.authorized.chmod(0o600)

    def trust(self, key: Path | None = None, port: int | None = None) -> None:
        """Put the host's key, or another one, on record as the only one."""
        kind, data = (key or self.host_key).with_suffix(".pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{port or self.port} {kind} {data}\n")

    async def start(self, *extra: str) -> None:
        """Start sshd with `extra` lines of config; returns when it accepts."""
        self._process = self._launch(extra)
        async with asyncio.timeout(10):
            while not _accepts(self.port):
                if self._process.poll() is not None:
                    raise RuntimeError(self.log())
                await asyncio.sleep(0.01)

    def log(self) -> str:
        """What sshd has written to its log."""
        return (self.directory / "sshd.log").read_text()

    def _launch(self, extra: tuple[str, ...]) -> subprocess.Popen[bytes]:
        assert SSHD is not None
        config = self.directory / "sshd_config"
        variables = [line.partition(" ")[2] for line in extra if line.startswith("SetEnv ")]
        variables.append(f"TMPDIR={self._make_temporary()}")
        if self.home is not None and not any(variable.startswith("HOME=") for variable in variables):
            variables.append(f"HOME={self.home}")
        lines = [
            f"SetEnv {' '.join(variables)}",
            *extra,  # the first value of a keyword counts
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized}",
            f"PidFile {self.directory / 'sshd.pid'}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "PrintMotd no",
        ]
        config.write_text("\n".join(lines) + "\n")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation insists on it
        with (self.directory / "sshd.log").open("ab") as log:
            return subprocess.Popen(
                [*self.wrapper, SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log
            )

    def _make_temporary(self) -> str:
        """The temp directory of logins, where an agent puts its sockets: short, for any user, gone with the server."""
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="rt", dir="/tmp", ignore_cleanup_errors=True)
            Path(self._temporary.name).chmod(0o1777)
        return self._temporary.name

    async def stop(self) -> None:
        """End sshd and every connection it served."""
        if self._process is not None:
            children = children_of(self._process.pid)
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 10)
            for child in children:
                _end(child)
            self._process = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def write_config(self, *names: str, port: int | None = None, user: str = "", extra: str = "") -> Path:
        """An SSH config in which each of `names` is this sshd; `extra` lines belong to the last one."""
        lines = []
        for name in names:
            lines += [
                f"Host {name}",
                "HostName 127.0.0.1",
                f"Port {port or self.port}",
                f"User {user or getpass.getuser()}",
            ]
            lines += [f"IdentityFile {self.identity}"]
            lines += [f"{key} {value}" for key, value in self._options().items()]
        self.config.write_text("\n".join([*lines, extra]) + "\n")
        return self.config

    def _options(self) -> dict[str, str]:
        return {
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "HashKnownHosts": "no",
        }

    def node(self, alias: str = "box", port: int | None = None, **fields: Any) -> NodeConfig:
        """A node behind this sshd, through `port` where a proxy stands before it."""
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port or self.port,
            "user": getpass.getuser(),
            "identity": str(self.identity),
            "options": self._options() | fields.pop("options", {}),
        }
        return NodeConfig(alias, **(values | fields))

    def connections(self) -> list[int]:
        """Process ids of the sshd processes that serve a connection."""
        assert self._process is not None
        return children_of(self._process.pid)


@asynccontextmanager
async def open_sshd(directory: Path, *extra: str) -> AsyncIterator[Sshd]:
    """A running sshd that knows the user's key and whose host key is on record."""
    server = Sshd(directory)
    await asyncio.to_thread(server.prepare)
    await server.start(*extra)
    try:
        yield server
    finally:
        await server.stop()


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    """A new key pair at `path` and `path.pub`."""
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _end(pid: int) -> None:
    for child in children_of(pid):
        _end(child)
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
