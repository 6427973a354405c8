"""A real node behind a real sshd as the console's core sees it, with everything that crosses the link on record."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import SessionState
from relaytui.config import Config, NodeConfig, Transport
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.hub.core import Core
from relaytui.link.resume import ByteFeed
from tests.chaos import programs
from tests.chaos.journals import read_journal
from tests.harness import Node
from tests.proxy import Proxy
from tests.sshd import Sshd
from tests.waiting import eventually

ALIAS = "box"
FAR_BEHIND = 128 * 1024
"""An attach leaves out less than this only by mistake: it is 256 KB behind then, the window of bytes under way off."""

_requests = itertools.count(1)


class WatchedCore(Core):
    """A core that keeps each state of its node with the moment it was told, and the number of each event."""

    def __init__(self, config: Config, cache: Path) -> None:
        super().__init__(config, cache=cache)
        self.states: list[tuple[float, NodeState]] = []
        self.words = ""  # the last state in plain words
        self.event_numbers: list[int] = []

    def link_status(self, node: str, status: NodeStatus) -> None:
        if node == ALIAS:
            now = time.monotonic()
            self.states.append((now, status.state))
            self.words = status.words(now)
        super().link_status(node, status)

    def link_event(self, node: str, record: EventRecord) -> None:
        if node == ALIAS:
            self.event_numbers.append(record.n)
        super().link_event(node, record)

    @property
    def state(self) -> NodeState:
        return self.states[-1][1]

    def check_events(self, last: int | None = None) -> None:
        """Each event came once and in order, up to number `last`."""
        events = self.event_numbers
        assert not [pair for pair in itertools.pairwise(events) if pair[1] != pair[0] + 1]
        assert last in (None, events[-1])

    def first(self, state: NodeState, since: float) -> float:
        """Seconds from `since` until the node was first in `state`; infinite where it never was."""
        return next((at - since for at, told in self.states if told is state and at >= since), float("inf"))


class Remote:
    """The node, its link and the sessions that are watched over it."""

    def __init__(self, node: Node, core: WatchedCore) -> None:
        self.node = node
        self.core = core

    async def start(self, *words: str) -> SessionId:
        """Start one of the chaos programs."""
        command = (sys.executable, "-I", "-S", str(programs.PATH), *words)
        request = StartSession(f"remote {next(_requests)}", command, cwd="/", bare=True, columns=80, rows=24)
        reply = await self.core.request(ALIAS, request)
        return SessionId(reply.session.id)

    async def start_recorder(self, account: Path) -> SessionId:
        """Start a program that records what is typed; returns when it is ready."""
        session = await self.start("recorder", str(account), "0")
        directory = self.node.paths.sessions / session
        await eventually(lambda: read_journal(directory) == b"ready")  # going raw discards what was typed before
        return session

    def feed(self, session: SessionId, mode: str) -> ByteFeed:
        """A session's output from now on, over every cut."""
        return self.core.feed(SessionKey(ALIAS, session), mode)

    async def connected(self, limit: float = 30.0) -> None:
        """Wait for the link, which nobody needs to help here."""
        await eventually(lambda: self.core.state in (NodeState.CONNECTED, NodeState.WAITING), limit)
        assert self.core.state is NodeState.CONNECTED, self.core.words

    async def closed(self, session: SessionId) -> None:
        """Wait until the node has told of a session's end."""
        key = SessionKey(ALIAS, session)
        await eventually(lambda: self.core.fleet.sessions[key].info.state is SessionState.CLOSED)


@asynccontextmanager
async def remote_node(
    node: Node, sshd: Sshd, proxy: Proxy | None, tmp: Path, transport: Transport = Transport.ASYNCSSH
) -> AsyncIterator[Remote]:
    """The core of a console connected to `node` through `sshd`, through `proxy` where there is one."""
    core = WatchedCore(Config(nodes=node_configs(node, sshd, proxy, tmp, transport)), tmp / "cache")
    await core.start()
    remote = Remote(node, core)
    try:
        await remote.connected()
        yield remote
    finally:
        await core.stop()


def node_configs(
    node: Node, sshd: Sshd, proxy: Proxy | None, tmp: Path, transport: Transport
) -> tuple[NodeConfig, NodeConfig]:
    """`node` as an operator's config has it, and `local`, which every config has, as one that nobody serves."""
    if proxy is not None:
        sshd.trust(port=proxy.port)
    agent = write_agent_command(tmp / "node-agent", node)
    port = proxy.port if proxy is not None else None
    return (
        sshd.node(ALIAS, port, transport=transport, agent=str(agent), state=str(node.root)),
        NodeConfig("local", transport=Transport.UNIX, socket=str(tmp / "nobody")),
    )


def write_agent_command(path: Path, node: Node) -> Path:
    """A `node-agent` program as a login on the node's machine finds it: it knows where the node's sockets are."""
    runtime, tree = node.env["RELAY_RUNTIME_DIR"], Path(__file__).parents[2]
    path.write_text(
        f'#!/bin/sh\nexport RELAY_RUNTIME_DIR={runtime} PYTHONPATH={tree}\nexec {sys.executable} -m node_agent "$@"\n'
    )
    path.chmod(0o755)
    return path
