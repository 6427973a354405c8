"""One connection: agreement, requests, streams, and what breaks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.frames import FrameType, encode_frame, encode_json
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.notices import Notice, SessionChanged
from node_agent.protocol.sessions import ListSessions, SessionList
from node_agent.protocol.streams import OpenBytes
from node_agent.protocol.version import Versions
from relaytui.config import NodeConfig, Transport
from relaytui.link.client import NodeClient
from relaytui.link.errors import (
    AgentTooNew,
    AgentTooOld,
    AgentUnreachable,
    LinkError,
    LinkLost,
    ProtocolBroken,
    RequestTimedOut,
)
from relaytui.link.streams import ByteItem, Gap, Output
from relaytui.link.tasks import cancel, spawn
from relaytui.link.unix import UnixConnector
from tests.link.scripted import SESSION, ScriptedAgent, session
from tests.waiting import LIMIT, eventually


@asynccontextmanager
async def connected(agent: ScriptedAgent, timeout: float = LIMIT) -> AsyncIterator[NodeClient]:
    connector = UnixConnector(NodeConfig("n", transport=Transport.UNIX, socket=str(agent.socket)))
    client = await NodeClient.connect(await connector.open(), node="n", client="cli", operator="ann", timeout=timeout)
    try:
        yield client
    finally:
        await client.close()


async def test_hello_brings_node_and_sessions(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        assert client.hello is not None
        assert client.node.uuid == "uuid-1"
        assert client.hello.sessions == (session(),)


async def test_a_banner_before_the_preamble_does_no_harm(agent: ScriptedAgent) -> None:
    agent.banner = b"Welcome to host!\r\nRELAYTUI-NODES are great\r\n"
    async with connected(agent) as client:
        assert client.version == 1


@pytest.mark.parametrize(
    ("versions", "error"), [(Versions(7, 9), AgentTooNew), (Versions(0, 0), AgentTooOld)], ids=["new", "old"]
)
async def test_versions_that_do_not_meet_say_which_side_is_old(
    agent: ScriptedAgent, versions: Versions, error: type[LinkError]
) -> None:
    agent.versions = versions
    with pytest.raises(error, match="upgrade"):
        async with connected(agent):
            pass


async def test_a_close_that_is_cancelled_closes_all_the_same(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        await eventually(lambda: len(agent.peers) == 1)
        closing = spawn(client.close(), name="close")
        await asyncio.sleep(0)
        await cancel(closing)
        assert closing.cancelled()
        await eventually(lambda: not agent.peers)


async def test_a_silent_agent_is_given_up(agent: ScriptedAgent) -> None:
    agent.silent = True
    with pytest.raises(AgentUnreachable, match="did not answer"):
        async with connected(agent, timeout=0.2):
            pass


async def test_nobody_at_the_socket_is_said(tmp_path: Path) -> None:
    connector = UnixConnector(NodeConfig("n", transport=Transport.UNIX, socket=str(tmp_path / "none")))
    with pytest.raises(AgentUnreachable, match="no agent listens"):
        await connector.open()


async def test_replies_are_typed_and_refusals_carry_their_code(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        assert await client.request(ListSessions()) == SessionList((session(),))
        with pytest.raises(RequestError) as caught:
            await client.request(ReadLogs(SESSION))
        assert caught.value.code is ErrorCode.UNKNOWN_OP


async def test_a_request_without_answer_times_out_and_the_link_stays(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        agent.silent = True
        with pytest.raises(RequestTimedOut):
            await client.request(ListSessions(), timeout=0.1)
        agent.silent = False
        assert await client.request(ListSessions()) == SessionList((session(),))


async def test_notices_that_come_before_anyone_listens_are_kept(agent: ScriptedAgent) -> None:
    heard: list[Notice] = []
    async with connected(agent) as client:
        agent.notify(SessionChanged(session("b2")))
        await client.request(ListSessions())
        client.deliver(heard.append, lambda event: None)
        assert heard == [SessionChanged(session("b2"))]


async def test_bytes_come_whole_through_a_small_window(agent: ScriptedAgent) -> None:
    agent.append(bytes(range(256)) * 2000)
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "follow", offset=100, window=4096))
        got = b""
        async for item in stream:
            assert isinstance(item, Output)
            assert item.offset == 100 + len(got)
            got += item.data
            if stream.offset == len(agent.journal):
                break
        assert got == agent.journal[100:]


async def test_input_is_acknowledged_in_order_or_refused(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "attach"))
        large = b"x" * 200_000
        sent = [stream.send(b"a"), stream.send(large), stream.send(b"z")]
        await asyncio.gather(*sent)
        assert agent.received == b"a" + large + b"z"
        with pytest.raises(RequestError) as caught:
            await stream.send(b"\x00refuse")
        assert caught.value.code is ErrorCode.LEASE_HELD


async def test_too_much_input_is_refused_at_once(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "attach"))
        with pytest.raises(RequestError) as caught:
            stream.send(b"x" * 9_000_000)
        assert caught.value.code is ErrorCode.BUSY


async def test_a_cut_fails_whoever_waits(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "attach"))
        agent.silent = True
        unsure = stream.send(b"rm -rf build\r")
        waiting = asyncio.create_task(client.request(ListSessions()))
        await asyncio.sleep(0)
        for peer in list(agent.peers):
            await peer.close()
        with pytest.raises(LinkLost):
            await waiting
        with pytest.raises(LinkLost):
            await unsure
        with pytest.raises(LinkLost):
            await anext(stream)
        with pytest.raises(LinkLost):
            await client.request(ListSessions())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 64,
        encode_frame(FrameType.NOTICE, payload=b"[]"),
        encode_frame(FrameType.EVENT, number=1, payload=b'{"kind": "ask.opened"}'),
        encode_frame(FrameType.INPUT, 1, 1, b"typed by a node"),
        encode_frame(FrameType.REPLY, number=2, payload=b"\x80"),
        b"\xff\xff\xff\xff\x01" + b"\0" * 12,
    ],
    ids=["noise", "no object", "half an event", "input", "no utf-8", "huge"],
)
async def test_garbage_ends_its_own_link_alone(agent: ScriptedAgent, garbage: bytes) -> None:
    async with connected(agent) as hit:
        peer = next(iter(agent.peers))
        async with connected(agent) as spared:
            agent.silent = True
            waiting = asyncio.create_task(hit.request(ListSessions()))
            peer.write_raw(garbage)
            assert isinstance(await hit.closed, ProtocolBroken)
            with pytest.raises(ProtocolBroken):
                await waiting
            agent.silent = False
            assert await spared.request(ListSessions()) == SessionList((session(),))


async def test_a_node_that_sends_more_than_the_window_is_cut(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "follow"))
        piece = encode_frame(FrameType.BYTES, stream.opened.stream, 0, b"x" * 65536)
        next(iter(agent.peers)).write_raw(piece * 80)
        assert isinstance(await client.closed, ProtocolBroken)


async def test_a_gap_moves_the_place_to_resume_at(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, "follow"))
        peer = next(iter(agent.peers))
        peer.write_raw(encode_json(FrameType.GAP, {"from": 0}, stream.opened.stream, 500))
        peer.write_raw(encode_frame(FrameType.BYTES, stream.opened.stream, 500, b"on"))
        assert await anext(stream) == Gap(0, 500)
        assert await anext(stream) == Output(500, b"on")
        assert stream.offset == 502


async def test_a_watched_screen_sends_the_latest_state_after_each_ack(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        deltas: list[dict[str, Any]] = []
        seen = asyncio.Event()

        def on_delta(revision: int, delta: dict[str, Any]) -> None:
            deltas.append(delta)
            seen.set()

        await client.watch_screen(SESSION, on_delta)
        for count in range(5):
            agent.set_screen(f"line {count}")
        async with asyncio.timeout(5):
            while deltas[-1:] != [{"rows": [[0, [["line 4", ""]]]]}]:
                seen.clear()
                await seen.wait()
        assert len(deltas) <= 3


async def test_a_stream_opened_for_nobody_is_ended(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        peer = next(iter(agent.peers))
        agent.silent = True
        opening = asyncio.create_task(client.open_bytes(OpenBytes(SESSION, "follow")))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        peer.write_raw(encode_json(FrameType.REPLY, {"stream": 9}, number=2))
        agent.silent = False
        assert await client.request(ListSessions()) == SessionList((session(),))
        assert agent.ended == [9]


async def test_output_is_offered_first_and_what_is_not_taken_is_iterated_over(agent: ScriptedAgent) -> None:
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, mode="follow"))
        offered: list[bytes] = []

        def take(item: ByteItem) -> bool:
            assert isinstance(item, Output)
            offered.append(item.data)
            return len(offered) == 1

        stream.offer_to(take)
        iterated = asyncio.ensure_future(anext(stream))
        while not stream._is_awaited:  # noqa: ASYNC110 - the task has still to begin
            await asyncio.sleep(0)
        agent.journal += b"echo"
        agent.poke()
        async with asyncio.timeout(5):
            while stream.offset < 4:  # noqa: ASYNC110 - nothing tells of it, which is the point
                await asyncio.sleep(0.01)
            assert not iterated.done()
            agent.journal += b"more"
            agent.poke()
            assert await iterated == Output(4, b"more")
        assert offered == [b"echo", b"more"]


async def test_a_small_output_is_acknowledged_in_the_end(agent: ScriptedAgent) -> None:
    agent.journal += b"x"
    async with connected(agent) as client:
        stream = await client.open_bytes(OpenBytes(SESSION, mode="follow"))
        assert await anext(stream) == Output(0, b"x")
        waiting = asyncio.ensure_future(anext(stream))
        async with asyncio.timeout(5):
            while agent.acked(stream.opened.stream) < 1:  # noqa: ASYNC110 - the other side is asked
                await asyncio.sleep(0.01)
        waiting.cancel()
