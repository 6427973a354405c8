"""A real node behind a real sshd as the console's core sees it, with everything that crosses the link on record."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.requests import StartSession
from node_agent.protocol.states import SessionState
from relaytui.config import Config, NodeConfig, Transport
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.hub.core import Core
from relaytui.link.errors import LinkError
from relaytui.link.resume import ByteFeed
from relaytui.link.streams import Gap, Output, Snapshot
from tests.chaos import programs
from tests.harness import Node, eventually
from tests.proxy import Proxy
from tests.sshd import Sshd

ALIAS = "box"
FAR_BEHIND = 128 * 1024
"""An attach leaves out less than this only by mistake: it is 256 KB behind then, the window of bytes under way off."""

_requests = itertools.count(1)


class WatchedCore(Core):
    """A core that keeps each state of its node with the moment it was told, and the number of each event."""

    def __init__(self, config: Config, cache: Path) -> None:
        super().__init__(config, cache=cache)
        self.states: list[tuple[float, NodeState]] = []
        self.event_numbers: list[int] = []

    def link_status(self, node: str, status: NodeStatus) -> None:
        if node == ALIAS:
            self.states.append((time.monotonic(), status.state))
        super().link_status(node, status)

    def link_event(self, node: str, record: EventRecord) -> None:
        if node == ALIAS:
            self.event_numbers.append(record.n)
        super().link_event(node, record)

    @property
    def state(self) -> NodeState:
        return self.states[-1][1]

    def first(self, state: NodeState, since: float) -> float:
        """Seconds from `since` until the node was first in `state`; infinite where it never was."""
        return next((at - since for at, told in self.states if told is state and at >= since), float("inf"))


class Received:
    """What came of one session's output: every byte at its offset, with the gaps that were marked."""

    def __init__(self, feed: ByteFeed) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.gaps: list[Gap] = []
        self.at: int | None = None
        self.feed = feed
        self.task = asyncio.create_task(self._take())

    async def _take(self) -> None:
        async for item in self.feed:
            if isinstance(item, Output):
                assert self.at in (None, item.offset), f"bytes from {item.offset} after {self.at}"
                self.pieces.append((item.offset, item.data))
                self.at = item.end
            elif isinstance(item, Gap):
                assert item.start == self.at, f"a gap from {item.start} after {self.at}"
                self.gaps.append(item)
                self.at = item.end
            elif isinstance(item, Snapshot):
                assert self.at in (None, item.offset), f"a snapshot of {item.offset} after {self.at}"
                self.at = item.offset

    def check(self, journal: bytes) -> None:
        """All that came is what the journal has there, up to its end."""
        assert self.at == len(journal)
        for offset, data in self.pieces:
            assert journal[offset : offset + len(data)] == data
        for gap in self.gaps:
            assert gap.end - gap.start > FAR_BEHIND, gap


class Typist:
    """Types numbered words into a recorder as an attached operator does: what a cut swallows is not typed again."""

    def __init__(self, received: Received) -> None:
        self.acknowledged: list[int] = []
        self.tried = 0
        self._received = received
        self.task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        for number in itertools.count():
            stream = self._received.feed.stream
            if stream is not None:
                self.tried = number
                try:
                    await stream.send(b"<%d>" % number)
                    self.acknowledged.append(number)
                except (LinkError, RequestError):
                    pass
            await asyncio.sleep(0.02)

    def check(self, typed: bytes) -> None:
        """What the program was given: each acknowledged word once, the unconfirmed at most once, in order."""
        words = [int(word) for word in typed.replace(b"<", b" ").replace(b">", b" ").split()]
        assert typed == b"".join(b"<%d>" % word for word in words)
        assert words == sorted(set(words))
        assert not (lost := set(self.acknowledged) - set(words)), f"acknowledged and not typed: {sorted(lost)}"


class Remote:
    """The node, its link and the sessions that are watched over it."""

    def __init__(self, node: Node, core: WatchedCore, tmp: Path) -> None:
        self.node = node
        self.core = core
        self._tmp = tmp
        self._received: dict[SessionId, list[Received]] = {}

    async def start(self, *words: str) -> SessionId:
        """Start one of the chaos programs."""
        command = (sys.executable, "-I", "-S", str(programs.PATH), *words)
        request = StartSession(f"remote {next(_requests)}", command, cwd="/", bare=True, columns=80, rows=24)
        reply = await self.core.request(ALIAS, request)
        return SessionId(reply.session.id)

    def receive(self, session: SessionId, mode: str) -> Received:
        """Take in a session's output from now on, over every cut."""
        received = Received(self.core.feed(SessionKey(ALIAS, session), mode))
        self._received.setdefault(session, []).append(received)
        return received

    async def connected(self, limit: float = 30.0) -> None:
        await eventually(lambda: self.core.state is NodeState.CONNECTED, limit)

    async def closed(self, session: SessionId) -> None:
        """Wait until the node has told of a session's end."""
        key = SessionKey(ALIAS, session)
        await eventually(lambda: self.core.fleet.sessions[key].info.state is SessionState.CLOSED)

    async def stop(self) -> None:
        tasks = [received.task for feeds in self._received.values() for received in feeds]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.core.stop()


@asynccontextmanager
async def remote_node(
    node: Node, sshd: Sshd, proxy: Proxy | None, tmp: Path, transport: Transport = Transport.ASYNCSSH
) -> AsyncIterator[Remote]:
    """The core of a console connected to `node` through `sshd`, through `proxy` where there is one."""
    agent = write_agent_command(tmp / "node-agent", node)
    config = sshd.node(
        ALIAS, proxy.port if proxy else None, transport=transport, agent=str(agent), state=str(node.root)
    )
    if proxy is not None:
        sshd.trust(port=proxy.port)
    core = WatchedCore(Config(nodes=(_local(tmp), config)), tmp / "cache")
    await core.start()
    remote = Remote(node, core, tmp)
    try:
        await remote.connected()
        yield remote
    finally:
        await remote.stop()


def write_agent_command(path: Path, node: Node) -> Path:
    """A `node-agent` program as a login on the node's machine finds it: it knows where the node's sockets are."""
    runtime, tree = node.env["RELAY_RUNTIME_DIR"], Path(__file__).parents[2]
    path.write_text(
        f'#!/bin/sh\nexport RELAY_RUNTIME_DIR={runtime} PYTHONPATH={tree}\nexec {sys.executable} -m node_agent "$@"\n'
    )
    path.chmod(0o755)
    return path


def _local(tmp: Path) -> NodeConfig:
    """The node every config has, here one that nobody serves."""
    return NodeConfig("local", transport=Transport.UNIX, socket=str(tmp / "nobody"))
