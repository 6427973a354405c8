"""Machines for jobs: one real sshd each, with an agent, tags and a host name of its own.

The host names are given in a UTS namespace of each sshd's own; where the kernel does not permit that, all machines
have the name of the one they run on.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from pathlib import Path

from tests.home import Home
from tests.sshd import Sshd

Tags = tuple[str, ...]


class Machines:
    """The operator of these machines in `home`, their sshds and host names by alias."""

    def __init__(self, home: Home, servers: Mapping[str, Sshd]) -> None:
        self.home = home
        self.servers = servers
        self.hosts = {alias: _host(alias) if has_own_names() else platform.node() for alias in servers}


@contextmanager
def open_machines(directory: Path, machines: Mapping[str, Tags]) -> Iterator[Machines]:
    """One machine for each alias, with its tags; `directory` has a short path, for its sockets."""
    home = Home(directory)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            servers = {alias: runner.run(_start(stack, directory, alias)) for alias in machines}
            home.configure(
                *(
                    server.node(
                        alias,
                        agent=str(home.agent_command(alias)),
                        state=str(directory / alias),
                        tags=machines[alias],
                    )
                    for alias, server in servers.items()
                )
            )
            yield Machines(home, servers)
        finally:
            runner.run(stack.aclose())
            home.close()


@cache
def has_own_names() -> bool:
    """Whether a process here may have a host name of its own."""
    unshare = shutil.which("unshare")
    command = [str(unshare), "--uts", "sh", "-c", "hostname relaytui-test"]
    return unshare is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


async def _start(stack: AsyncExitStack, directory: Path, alias: str) -> Sshd:
    server = Sshd(directory / f"sshd-{alias}")
    await asyncio.to_thread(server.prepare)
    if has_own_names():
        naming = f'hostname {_host(alias)} && exec "$@"'
        server.wrapper = ["unshare", "--uts", "sh", "-c", naming, "sshd"]
    stack.push_async_callback(server.stop)
    await server.start("MaxSessions 100")
    return server


def _host(alias: str) -> str:
    return f"{alias}-machine"
