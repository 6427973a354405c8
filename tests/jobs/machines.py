"""Machines for jobs: one real sshd each, with an agent, tags, a host name of its own and a link that can be cut.

The host names are given in a UTS namespace of each sshd's own; where the kernel does not permit that, all machines
have the name of the one they run on.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import subprocess
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from node_agent.io.paths import node_paths
from relaytui.config import NodeConfig
from tests.home import Home
from tests.proxy import Proxy, open_proxy
from tests.sshd import Sshd

T = TypeVar("T")
Tags = tuple[str, ...]

_LIMIT = 60.0


class Machines:
    """The operator of some machines in `home`; hosts and links by alias."""

    def __init__(self, home: Home, loop: asyncio.AbstractEventLoop) -> None:
        self.home = home
        self.hosts: dict[str, str] = {}
        self.nodes: list[NodeConfig] = []
        self._links: dict[str, Proxy] = {}
        self._loop = loop
        self._stack = AsyncExitStack()

    async def add(self, alias: str, tags: Tags) -> None:
        server = Sshd(self.home.directory / f"sshd-{alias}")
        await asyncio.to_thread(server.prepare)
        self.hosts[alias] = f"{alias}-machine" if has_own_names() else platform.node()
        if has_own_names():
            naming = f'hostname {self.hosts[alias]} && exec "$@"'
            server.wrapper = ["unshare", "--uts", "sh", "-c", naming, "sshd"]
        self._stack.push_async_callback(server.stop)
        await server.start("MaxSessions 100")
        link = await self._stack.enter_async_context(open_proxy("127.0.0.1", server.port))
        server.trust(port=link.port)
        self._links[alias] = link
        state, agent = self.home.directory / alias, self.home.agent_command(alias)
        self.nodes.append(server.node(alias, port=link.port, agent=str(agent), state=str(state), tags=tags))

    async def close(self) -> None:
        await self._stack.aclose()

    def cut(self, alias: str, seconds: float) -> None:
        """Reset a machine's connections, and those that are made during the next seconds."""

        def cut() -> None:
            link = self._links[alias]
            link.refuse()
            link.reset()
            self._loop.call_later(seconds, link.refuse, False)

        self._loop.call_soon_threadsafe(cut)

    def kill_agent(self, alias: str) -> None:
        """Kill a machine's agent, unless it is being replaced at this moment."""
        paths = node_paths(self.home.directory / alias, self.home.env)
        try:
            os.kill(int(paths.agent_lock.read_text()), signal.SIGKILL)
        except (OSError, ValueError):
            pass


@contextmanager
def open_machines(directory: Path, machines: Mapping[str, Tags]) -> Iterator[Machines]:
    """One machine for each alias, with its tags; `directory` has a short path, for its sockets."""
    home = Home(directory)
    with _running_loop() as loop:
        opened = Machines(home, loop)
        try:
            for alias, tags in machines.items():
                _call(loop, opened.add(alias, tags))
            home.configure(*opened.nodes)
            yield opened
        finally:
            _call(loop, opened.close())
            home.close()


@contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs beside the test, which may block."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ended = asyncio.Event()
        thread = threading.Thread(target=runner.run, args=(ended.wait(),))
        thread.start()
        try:
            yield loop
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()


def _call(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(_LIMIT)


@cache
def has_own_names() -> bool:
    """Whether a process here may have a host name of its own."""
    unshare = shutil.which("unshare")
    command = [str(unshare), "--uts", "sh", "-c", "hostname relaytui-test"]
    return unshare is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
