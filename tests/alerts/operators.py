"""Operators' machines for the chaos of asks: hubs and consoles as processes, killed, frozen and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from ptyprocess import PtyProcess

from relaytui.config import ChannelConfig, Config, NodeConfig, Transport, save_config
from tests.home import RELAYTUI, open_home
from tests.processes import processes_of

_HOOK = """
import fcntl, json, sys
told = json.load(sys.stdin)
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(json.dumps(told["keys"]) + "\\n")
"""


class Hook:
    """A command that notes the keys of what it is told, one line a call."""

    def __init__(self, directory: Path) -> None:
        self._told = directory / "told.jsonl"
        script = directory / "hook.py"
        script.write_text(_HOOK)
        self.command = f"{sys.executable} -I -S {script} {self._told}"

    def messages(self) -> list[list[str]]:
        """The keys of each message, in order; a line that is being written is left for later."""
        if not self._told.exists():
            return []
        return [json.loads(line) for line in self._told.read_text().splitlines(keepends=True) if line.endswith("\n")]


class Machine:
    """One operator's machine: a home with a hub and, where it has one, a console on a terminal."""

    def __init__(
        self,
        directory: Path,
        nodes: tuple[NodeConfig, ...],
        channels: tuple[ChannelConfig, ...],
        *,
        has_console: bool = False,
    ) -> None:
        self.has_console = has_console
        self._stack = contextlib.ExitStack()
        self.home = self._stack.enter_context(open_home(directory))
        nobody = NodeConfig("local", transport=Transport.UNIX, socket=str(directory / "nobody"))
        save_config(Config(nodes=(nobody, *nodes), channels=channels), self.home.config_file)
        self._console: PtyProcess | None = None

    async def start(self) -> None:
        await self.start_hub()
        if self.has_console:
            self.start_console()

    async def start_hub(self) -> None:
        """Start a hub, unless one runs."""
        await asyncio.to_thread(self.home.run, "hub", "start")

    async def kill_hub(self) -> None:
        """Kill the hub as a crash would, if one runs."""
        found = await asyncio.to_thread(self.home.run, "hub", "status", "--json")
        if found.returncode == 0:
            os.kill(json.loads(found.stdout)["pid"], signal.SIGKILL)

    def start_console(self) -> None:
        if self._console is None:
            self._console = PtyProcess.spawn(list(RELAYTUI), env=self.home.env, dimensions=(40, 120))
            asyncio.get_running_loop().add_reader(self._console.fd, self._discard, self._console)

    def kill_console(self) -> None:
        """Kill the console as a crash would, if one runs."""
        console, self._console = self._console, None
        if console is None:
            return
        os.kill(console.pid, signal.SIGKILL)
        os.waitpid(console.pid, 0)
        asyncio.get_running_loop().remove_reader(console.fd)
        console.fileobj.close()
        console.closed = True

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of the machine stands still, as when the lid is closed."""
        pids = processes_of(self.home.directory)
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def close(self) -> None:
        self.kill_console()
        self._stack.close()

    def _discard(self, console: PtyProcess) -> None:
        try:
            os.read(console.fd, 1 << 16)
        except OSError:  # EIO: it has ended
            asyncio.get_running_loop().remove_reader(console.fd)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
