"""What befalls a node and those who watch it. Each blow falls on somebody who is at work."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from tests.chaos.operator import Console
from tests.chaos.remote import Remote
from tests.harness import Node
from tests.processes import children_of, is_alive
from tests.sshd import Sshd
from tests.waiting import eventually

_FENCED = "ending: a newer node agent has "
"""How an agent logs that it found out at the keeper, or at the store."""

_PATIENCE = 60.0
"""Seconds an agent may take to start, find out, and save its screens, on a machine that does all of this at once."""


class Blow(Enum):
    """Who is hit."""

    AGENT = "agent killed"
    OVERLAP = "two agents"
    SSH = "ssh killed"
    SSHD = "sshd's child killed"
    CONSOLE = "console killed"


@dataclass
class Target:
    """Everybody that can be hit."""

    node: Node
    sshd: Sshd
    remotes: tuple[Remote, ...]
    console: Console
    rng: random.Random

    async def hit(self, blow: Blow) -> None:
        blows: dict[Blow, Callable[[], Awaitable[object]]] = {
            Blow.AGENT: self.node.kill_agent,
            Blow.OVERLAP: self._overlap,
            Blow.SSH: self._kill_ssh,
            Blow.SSHD: self._kill_sshd_child,
            Blow.CONSOLE: self._kill_console,
        }
        await blows[blow]()

    async def _overlap(self) -> None:
        """Start an agent beside the one that serves, as on a file system whose locks do not hold; the older ends."""
        node, old = self.node, self.node.agent_pid()
        node.paths.agent_lock.unlink()
        node.start_agent()
        await eventually(lambda: not is_alive(old), _PATIENCE)
        await eventually(lambda: node.paths.agent_lock.exists() and node.paths.agent_lock.read_text().strip())
        await node.serving()
        assert f" {old} INFO node_agent.io.run: {_FENCED}" in node.log()

    async def _kill_ssh(self) -> None:
        """Kill an ssh that carries a link of the cores or of the console."""
        await self._connected()
        clients = children_of(os.getpid(), "ssh") + children_of(self.console.pid, "ssh")
        await self._kill_one_of(clients)

    async def _kill_sshd_child(self) -> None:
        await self._connected()
        await self._kill_one_of(self.sshd.connections())

    async def _kill_one_of(self, pids: list[int]) -> None:
        pid = self.rng.choice(pids)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not is_alive(pid))

    async def _kill_console(self) -> None:
        await self.console.shows_what_is_new()
        await self.console.kill()
        self.console.start()

    async def _connected(self) -> None:
        for remote in self.remotes:
            await remote.connected()


def shuffled(blows: Counter[Blow], rng: random.Random) -> list[Blow]:
    """So many of each, in an order of their own."""
    order = list(blows.elements())
    rng.shuffle(order)
    return order
