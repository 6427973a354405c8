"""A link that is cut, stalled and refused: what it reports, and that nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.ids import StoreId
from node_agent.protocol.notices import Notice
from node_agent.protocol.sessions import ListSessions, SessionList
from node_agent.protocol.streams import OpenBytes
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.link.client import NodeClient
from relaytui.link.duplex import Connector, Duplex
from relaytui.link.errors import AuthenticationFailed, ConnectionRefused, LinkError, LinkLost, NotConnected
from relaytui.link.prompts import Desk
from relaytui.link.resume import Interrupted, Resumed
from relaytui.link.streams import Output
from relaytui.link.supervisor import Cursor, LinkOptions, NodeLink
from tests.link.scripted import SESSION, ScriptedAgent, scripted_agent, session
from tests.proxy import Proxy, open_proxy
from tests.waiting import LIMIT


class TcpConnector:
    """Dials a proxy before a scripted agent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.error: LinkError | None = None
        self.tries = 0

    async def open(self, *, bulk: bool = False) -> Duplex:
        self.tries += 1
        if self.error is not None:
            raise self.error
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            raise ConnectionRefused("refused") from error
        return Duplex(reader, writer)


class Recorder:
    """A listener that keeps all it is told."""

    def __init__(self) -> None:
        self.statuses: list[NodeStatus] = []
        self.ups = 0
        self.events: list[int] = []
        self.told = asyncio.Event()

    def link_status(self, node: str, status: NodeStatus) -> None:
        self.statuses.append(status)
        self.told.set()

    def link_up(self, node: str, client: NodeClient) -> None:
        self.ups += 1

    def link_notice(self, node: str, notice: Notice) -> None:
        self.told.set()

    def link_event(self, node: str, record: EventRecord) -> None:
        self.events.append(record.n)
        self.told.set()

    async def until(self, fact: Any, seconds: float = LIMIT) -> None:
        """Wait until `fact()` holds; looked at after each thing told."""
        async with asyncio.timeout(seconds):
            while not fact():
                self.told.clear()
                await self.told.wait()

    def states(self) -> list[NodeState]:
        """The states told, repetitions left out."""
        states = [status.state for status in self.statuses]
        return [state for at, state in enumerate(states) if at == 0 or states[at - 1] is not state]


class Rig:
    """A link through a proxy to a scripted agent."""

    def __init__(self, agent: ScriptedAgent, proxy: Proxy, cursor: Cursor | None = None) -> None:
        self.agent = agent
        self.proxy = proxy
        self.connector = TcpConnector(proxy.port)
        self.heard = Recorder()
        connector: Connector = self.connector
        options = LinkOptions(operator="ann", rng=random.Random(1))
        self.desk = Desk("box", None)
        self.link = NodeLink("box", connector, self.heard, options, desk=self.desk, cursor=cursor)

    async def up(self) -> None:
        await self.heard.until(lambda: self.link.status.state is NodeState.CONNECTED)

    async def hear(self) -> None:
        """Have the agent say something, and hear it."""
        self.agent.add_event()
        await self.heard.until(lambda: len(self.heard.events) == len(self.agent.events))
        await asyncio.sleep(0.1)  # ten a second are speech enough

    async def stick(self) -> None:
        """A connection on which the node is heard, and hears nothing from now on."""
        await self.up()
        await self.hear()
        self.proxy.stick()


def make(directory: Path) -> Path:
    directory.mkdir()
    return directory


@asynccontextmanager
async def rig(tmp_path: Path, cursor: Cursor | None = None, **proxy_options: Any) -> AsyncIterator[Rig]:
    async with scripted_agent(tmp_path) as agent, open_proxy("127.0.0.1", agent.port, **proxy_options) as proxy:
        made = Rig(agent, proxy, cursor)
        made.link.start()
        try:
            yield made
        finally:
            await made.link.stop()


async def test_events_and_bytes_are_exact_over_many_cuts(tmp_path: Path) -> None:
    rng = random.Random(7)
    content = rng.randbytes(3_000_000)
    async with rig(tmp_path, Cursor(StoreId("store-1"), 0), bandwidth=3e6) as made:
        await made.up()
        made.agent.append(content)
        digest = hashlib.sha256()
        cuts: list[Interrupted] = []

        async def read() -> None:
            at = 0
            async for item in made.link.feed(OpenBytes(SESSION, "follow")):
                if isinstance(item, Output):
                    assert item.offset == at
                    digest.update(item.data)
                    at = item.end
                    if at == len(content):
                        return
                elif isinstance(item, Interrupted):
                    cuts.append(item)
                elif isinstance(item, Resumed):
                    assert item.offset == at

        async def make_events() -> None:
            for number in range(300):
                made.agent.add_event(number=number)
                await asyncio.sleep(0)

        async def cut() -> None:
            for share in range(1, 6):
                await made.proxy.until_passed(share * 400_000)
                made.proxy.reset()

        async with asyncio.timeout(40), asyncio.TaskGroup() as group:
            for work in (read(), make_events(), cut()):
                group.create_task(work)
        await made.heard.until(lambda: len(made.heard.events) == 300)
        assert digest.digest() == hashlib.sha256(content).digest()
        assert made.heard.events == list(range(1, 301))
        assert len(cuts) == 5
        names = {request.attach for request in made.agent.requests if isinstance(request, OpenBytes)}
        assert len(names) == 1, "the streams of one feed are one attach, which keeps the right to type"
        assert names != {""}
        assert made.link.cursor == Cursor(StoreId("store-1"), 300)


async def test_a_first_connection_starts_with_new_events_and_a_new_store_with_its_oldest(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        made.agent.add_event()
        made.agent.add_event()
        await made.up()
        await made.link.request(ListSessions())
        made.agent.add_event()
        await made.heard.until(lambda: made.heard.events == [3])
        made.agent.store = StoreId("store-2")
        made.proxy.reset()
        await made.heard.until(lambda: made.heard.events == [3, 1, 2, 3])


async def test_silence_is_stale_and_the_old_connection_is_good_again_when_it_speaks(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.up()
        made.proxy.stall()
        await made.heard.until(lambda: made.link.status.state is NodeState.STALE)
        assert made.link.status.error == "no answer to ping"
        assert made.link.status.next_try is not None
        made.proxy.refuse()
        await made.heard.until(lambda: made.link.error is not None)
        made.proxy.flow()
        await made.heard.until(lambda: made.link.status.state is NodeState.CONNECTED)
        assert made.link.error is None
        assert await made.link.request(ListSessions()) == SessionList((session(),))
        assert made.heard.states() == [
            NodeState.CONNECTING,
            NodeState.CONNECTED,
            NodeState.STALE,
            NodeState.CONNECTED,
        ]


async def test_a_new_connection_takes_over_from_a_dead_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.up()
        made.agent.silent = True  # as if its machine were gone: the old connection will never speak again
        first = made.link.client
        async with scripted_agent(make(tmp_path / "heir")) as heir:
            made.connector.port = heir.port
            await made.heard.until(lambda: made.heard.ups == 2)
            assert made.link.client is not first
            assert first is not None
            assert first.is_closed
            assert await made.link.request(ListSessions()) == SessionList((session(),))


async def test_typing_that_is_stuck_goes_over_a_new_connection_while_the_node_is_heard(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.stick()
        stuck = made.link.client
        typed = asyncio.create_task(made.link.request(ListSessions()))
        while made.heard.ups == 1:
            await made.hear()
        assert made.heard.states() == [NodeState.CONNECTING, NodeState.CONNECTED]
        assert made.link.client is not stuck
        assert await made.link.request(ListSessions()) == SessionList((session(),))
        with pytest.raises(LinkLost):
            await typed


async def test_a_try_that_only_the_operator_can_mend_is_no_outage_of_a_node_that_is_heard(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.stick()
        made.connector.error = AuthenticationFailed("box: none of our keys was accepted")
        while made.connector.tries == 1:
            await made.hear()
        for _ in range(3):  # rounds of the supervisor's own clock
            await made.hear()
        assert made.heard.states() == [NodeState.CONNECTING, NodeState.CONNECTED]
        made.agent.silent = True
        await made.heard.until(lambda: made.link.status.state is NodeState.WAITING)


async def test_a_slow_network_is_no_reason_to_log_in_again_and_again(tmp_path: Path) -> None:
    async with rig(tmp_path, latency=1.1) as made:
        await made.up()
        assert made.link.client is not None
        while made.link.client.rtt is None:
            await made.hear()
        tries = made.connector.tries
        for _ in range(2):  # a ping a second goes out, and each answer takes over two
            rtt = made.link.client.rtt
            while made.link.client.rtt == rtt:
                assert made.link.client.silence() < 3
                await made.hear()
        assert made.heard.ups == 1
        assert made.connector.tries == tries


async def test_a_slow_answer_is_no_reason_for_another_connection_that_asks(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.stick()
        made.desk.has_asked = True
        assert made.link.client is not None
        while made.link.client.unanswered() < 3:
            await made.hear()
        assert made.connector.tries == 1
        made.agent.silent = True
        await made.heard.until(lambda: made.connector.tries > 1)


async def test_a_lost_node_says_why_and_is_tried_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.up()
        made.proxy.refuse()
        made.proxy.reset()
        await made.heard.until(lambda: made.link.status.state is NodeState.LOST)
        with pytest.raises(NotConnected, match=r"next try|trying now"):
            await made.link.request(ListSessions())
        tries = made.connector.tries
        await made.heard.until(lambda: made.connector.tries >= tries + 2)
        made.proxy.refuse(False)
        await made.up()


async def test_what_only_the_operator_can_mend_is_not_tried_again_by_itself(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent, open_proxy("127.0.0.1", agent.port) as proxy:
        made = Rig(agent, proxy)
        made.connector.error = AuthenticationFailed("box: none of our keys was accepted")
        made.link.start()
        try:
            await made.heard.until(lambda: made.link.status.state is NodeState.WAITING)
            assert made.link.status.exit_code == AuthenticationFailed.exit_code
            assert made.link.status.words(0) == "needs you: none of our keys was accepted"
            assert made.link.status.next_try is None
            made.link.nudge()
            await asyncio.sleep(0.3)  # three rounds of the supervisor's own clock
            assert made.connector.tries == 1
            made.connector.error = None
            made.link.retry()
            await made.up()
        finally:
            await made.link.stop()


async def test_after_a_sleep_a_dead_connection_is_replaced_without_waiting(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.up()
        made.agent.silent = True
        async with scripted_agent(make(tmp_path / "heir")) as heir:
            made.connector.port = heir.port
            made.link.suspect()
            await made.heard.until(lambda: made.heard.ups == 2, seconds=2.5)


@pytest.mark.full
@pytest.mark.parametrize("seconds", [1, 10, 60])
async def test_long_stalls(tmp_path: Path, seconds: int) -> None:
    async with rig(tmp_path, Cursor(StoreId("store-1"), 0)) as made:
        await made.up()
        loop = asyncio.get_running_loop()
        made.proxy.stall()
        stalled = loop.time()
        made.agent.add_event()
        if seconds > 3:
            await made.heard.until(lambda: made.link.status.state is NodeState.STALE)
            assert loop.time() - stalled < 3.3
        await asyncio.sleep(seconds - (loop.time() - stalled))
        made.proxy.flow()
        back = loop.time()
        made.agent.add_event()
        await made.heard.until(lambda: made.heard.events == [1, 2] and made.link.status.state is NodeState.CONNECTED)
        assert loop.time() - back < 2.0


async def test_a_bug_in_one_try_does_not_end_the_link(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_agent(tmp_path) as agent, open_proxy("127.0.0.1", agent.port) as proxy:
        made = Rig(agent, proxy)
        works, made.connector.open = made.connector.open, broken  # type: ignore[method-assign]  # as a bug would
        made.link.start()
        try:
            await made.heard.until(lambda: "connecting failed" in made.link.status.error)
            made.connector.open = works  # type: ignore[method-assign]  # mended
            await made.up()
        finally:
            await made.link.stop()
    assert "task box connect failed" in caplog.text


async def broken(*, bulk: bool = False) -> Duplex:
    raise AssertionError("a bug")
