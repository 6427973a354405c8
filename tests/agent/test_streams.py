"""Screens and bytes: what reaches a client, how much of it, and what happens when the client is slow or cut off."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.frames import FrameType
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.streams import CloseStream, TuneScreen
from node_agent.terminal.engines import create_engine
from tests.client import Client, Stream
from tests.harness import Node

FLOOD = "i=0; while [ $i -lt {n} ]; do echo line $i; i=$((i+1)); done; read x"


def screen_text(columns: int, rows: int, *data: bytes) -> str:
    """What a terminal shows after `data`."""
    engine = create_engine("vt", columns, rows)
    for part in data:
        engine.feed(part)
    return "\n".join(engine.text(row) for row in range(rows)).rstrip()


def snapshot_and_after(stream: Stream) -> list[bytes]:
    """What an attached terminal shows last: the last snapshot and the bytes after it."""
    last = max(index for index, frame in enumerate(stream.frames) if frame.type is FrameType.SNAPSHOT)
    return [frame.payload for frame in stream.frames[last:] if frame.type in (FrameType.SNAPSHOT, FrameType.BYTES)]


async def test_a_screen_converges_to_what_the_program_printed(client: Client) -> None:
    session = await client.start("sh", "-c", FLOOD.format(n=3000), columns=60, rows=20)
    screen = await client.watch(session.id)
    await client.until(lambda: "line 2999" in screen.text)
    expected = "\n".join(f"line {n}" for n in range(2981, 3000))
    await client.until(lambda: screen.text == expected)
    assert len(screen.frames) < 1500  # the latest state wins: not a frame a line


async def test_one_frame_is_in_flight_and_a_late_ack_brings_the_latest_state(shared_node: Node, client: Client) -> None:
    session = await client.start("sh", "-c", "while read x; do echo got $x; done")
    other = await shared_node.connect("bob")
    drawn = await other.watch(session.id)
    attached = await client.open_bytes(session.id, "attach")
    client.acks = False
    screen = await client.watch(session.id)
    await client.until(lambda: screen.frames)
    for number in range(1, 6):
        client.type(attached, number, b"%d\r" % number)
    client.acks = True
    await client.until(lambda: b"got 5" in attached.data)
    client.acks = False
    await other.until(lambda: "got 5" in drawn.text)  # bytes are sent on before they are drawn
    assert len(screen.frames) == 1
    client.ack(screen, 99)  # never sent: says nothing
    client.ack(screen, 1)
    await client.until(lambda: "got 5" in screen.text)
    assert len(screen.frames) == 2


async def test_the_pace_of_a_screen_is_the_clients(client: Client) -> None:
    session = await client.start("sh", "-c", "read x; echo one; read x; echo two; read x")
    attached = await client.open_bytes(session.id, "attach")
    screen = await client.watch(session.id, interval=10.0)
    await client.until(lambda: screen.frames)
    client.type(attached, 1, b"\r")
    await client.until(lambda: b"one" in attached.data)
    assert len(screen.frames) == 1
    await client.request(TuneScreen(screen.number, 0.0))
    await client.until(lambda: "one" in screen.text)


async def test_history_comes_above_the_first_frame(client: Client) -> None:
    session = await client.start("sh", "-c", "seq 1 100; read x", columns=40, rows=10)
    logs = await client.watch(session.id)
    await client.until(lambda: "100" in logs.text)
    screen = await client.watch(session.id, history=5)
    await client.until(lambda: screen.frames)
    history = screen.frames[0].json()["history"]
    assert [row[0][0] for row in history] == ["87", "88", "89", "90", "91"]


async def test_attaching_paints_the_screen_and_goes_on_with_the_bytes_after_it(client: Client) -> None:
    session = await client.start("sh", "-c", "seq 1 30; read x; echo after", columns=30, rows=8)
    watched = await client.watch(session.id)
    await client.until(lambda: "30" in watched.text)
    stream = await client.open_bytes(session.id, "attach", columns=30, rows=8)
    assert stream.opened.lease
    await client.until(lambda: stream.frames)
    client.type(stream, 1, b"\r")
    await client.until(lambda: stream.end)
    assert client.input_acks == {(stream.number, 1): {}}
    await client.until(lambda: "after" in watched.text)
    assert screen_text(30, 8, *snapshot_and_after(stream)) == watched.text
    assert stream.data.endswith(b"after\r\n")


async def test_a_stream_goes_on_from_an_offset_without_gap_or_double(shared_node: Node, client: Client) -> None:
    session = await client.start("sh", "-c", "seq 1 50000; read x")
    client.acks = False
    first = await client.open_bytes(session.id, "follow", window=32 * 1024)
    await client.until(lambda: len(first.data) == 32 * 1024)
    await client.close()
    again = await shared_node.connect()
    rest = await again.open_bytes(session.id, "follow", offset=len(first.data))
    await again.until(lambda: b"\n50000\r\n" in rest.data)
    assert first.data + rest.data == "".join(f"{n}\r\n" for n in range(1, 50001)).encode()


async def test_a_client_that_does_not_ack_gets_one_window(client: Client) -> None:
    session = await client.start("sh", "-c", "yes | head -c 300000; read x")
    full = await client.open_bytes(session.id, "follow")
    await client.until(lambda: len(full.data) >= 400_000)  # each newline left the terminal as two bytes
    client.acks = False
    held = await client.open_bytes(session.id, "follow", window=8192)
    await client.until(lambda: len(held.data) >= 8192)
    client.ack(held, 4096)
    await client.until(lambda: len(held.data) >= 8192 + 4096)
    assert len(held.data) == 8192 + 4096


async def test_an_attached_client_far_behind_gets_a_snapshot_and_the_gap_is_marked(client: Client) -> None:
    session = await client.start("sh", "-c", "read x; seq 1 200000; read x", columns=40, rows=10)
    screen = await client.watch(session.id)
    stream = await client.open_bytes(session.id, "attach")
    await client.until(lambda: stream.frames)
    client.acks = False
    client.type(stream, 1, b"\r")
    await client.until(lambda: len(stream.data) >= 64 * 1024)
    client.ack(screen, screen.frames[-1].number)
    await client.until(lambda: client.sessions[session.id].head > 10**6 or "200000" in screen.text, 30)
    client.acks = True
    client.ack(screen, screen.frames[-1].number)
    await client.until(lambda: "200000" in screen.text, 30)
    client.ack(stream, stream.of(FrameType.BYTES)[-1].number)
    await client.until(lambda: stream.of(FrameType.GAP))
    await client.until(lambda: screen_text(40, 10, *snapshot_and_after(stream)) == screen.text)
    position = stream.opened.offset
    for frame in stream.frames:
        if frame.type is FrameType.GAP:
            assert frame.json()["from"] == position
            position = frame.number
        elif frame.type is FrameType.BYTES:
            assert frame.number == position
            position += len(frame.payload)
        elif frame.type is FrameType.SNAPSHOT:
            position = frame.number


async def test_a_download_is_the_journal_exactly(shared_node: Node, client: Client) -> None:
    session = await client.start("sh", "-c", "seq 1 100000; read x")
    screen = await client.watch(session.id)
    await client.until(lambda: "100000" in screen.text, 30)
    stream = await client.open_bytes(session.id, "download", window=1 << 20)
    await client.until(lambda: stream.end)
    on_disk = b"".join(path.read_bytes() for path in sorted((shared_node.paths.sessions / session.id).rglob("*.log")))
    assert hashlib.sha256(stream.data).digest() == hashlib.sha256(on_disk).digest()
    assert stream.end == "complete"


async def test_a_half_read_sequence_does_not_keep_an_attach_waiting(client: Client) -> None:
    session = await client.start("sh", "-c", "printf 'before\\033[3'; read x; printf '1mred'; read x")
    screen = await client.watch(session.id)
    await client.until(lambda: "before" in screen.text)
    stream = await client.open_bytes(session.id, "attach")
    await client.until(lambda: stream.of(FrameType.SNAPSHOT))
    client.type(stream, 1, b"\r")
    await client.until(lambda: b"red" in stream.data)
    assert "[3" not in screen_text(120, 40, *snapshot_and_after(stream))


async def test_a_closed_stream_is_silent_and_unknown_ones_are_refused(client: Client) -> None:
    session = await client.start("cat")
    stream = await client.open_bytes(session.id, "attach")
    await client.until(lambda: stream.frames)
    await client.request(CloseStream(stream.number))
    seen = len(stream.frames)
    client.type(stream, 1, b"hello\r")
    await client.until(lambda: client.input_acks)
    assert client.input_acks[stream.number, 1]["code"] == ErrorCode.REFUSED.value
    assert len(stream.frames) == seen
    with pytest.raises(RequestError) as caught:
        await client.request(CloseStream(stream.number))
    assert caught.value.code is ErrorCode.BAD_REQUEST


async def test_a_screen_does_not_wait_until_all_events_are_told(client: Client, shared_node: Node) -> None:
    session = await client.start("cat")
    for first in range(0, 1000, 100):
        sends = (SendInput(session.id, f"story {first + n}", (Chunk(text="x"),)) for n in range(100))
        await asyncio.gather(*(client.request(send) for send in sends))
    late = await shared_node.connect()
    watching = asyncio.create_task(late.watch(session.id))
    await late.subscribe()
    screen = await watching
    await late.until(lambda: "x" in screen.text)
    assert len(late.events) < late.last_event


async def test_a_client_that_stops_reading_slows_nobody(shared_node: Node, client: Client) -> None:
    session = await client.start("sh", "-c", "while :; do seq 1 1000; done")
    slow = await shared_node.connect("slow")
    for _ in range(4):
        await slow.open_bytes(session.id, "follow", window=4 << 20)
        await slow.watch(session.id)
    slow.stop_reading()
    screen = await client.watch(session.id)
    before = len(screen.frames)
    await client.until(lambda: len(screen.frames) > before + 20)
    assert "Traceback" not in shared_node.log()


async def test_a_session_that_ends_while_it_is_attached_is_shown_all_the_same(client: Client) -> None:
    for number in range(20):
        session = await client.start("sh", "-c", f"echo last {number}")
        stream = await client.open_bytes(session.id, "attach", columns=60, rows=20)
        await client.until(lambda: stream.end is not None)  # noqa: B023 - used within the turn
        shown = b"".join(frame.payload for frame in stream.of(FrameType.SNAPSHOT)) + stream.data
        assert f"last {number}".encode() in shown
