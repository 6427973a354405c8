"""What is typed reaches the child once, in order, from whoever holds the lease, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sending import Chunk, ReleaseLease, SendInput, TakeLease
from node_agent.protocol.sessions import ResizeSession
from node_agent.protocol.states import EventKind
from tests.client import Client
from tests.harness import Node
from tests.processes import is_alive
from tests.waiting import eventually

RECORDER = """
import os, sys, tty
tty.setraw(0)
out = open(sys.argv[1], "ab", 0)
print("ready" + sys.argv[2], end="", flush=True)
while True:
    data = os.read(0, 4096)
    out.write(data)
    os.write(1, b"." * len(data))
"""

ASKER = """
import os, sys, threading, time, tty
tty.setraw(0)
def ask():
    for number in range(4000):  # each from another place on the screen, so that its answer can be told
        print(f"\\033[{number // 100 + 1};{number % 100 + 1}H\\033[6n", end="", flush=True)
        time.sleep(0.05)
threading.Thread(target=ask, daemon=True).start()
out = open(sys.argv[1], "ab", 0)
while True:
    out.write(os.read(0, 4096))
"""


async def recorder(client: Client, path: Path, first: str = "") -> SessionId:
    """A session that prints `first`, then records each byte it is given, in raw mode, and prints a dot for it."""
    session = await client.start("python3", "-c", RECORDER, str(path), first)
    screen = await client.watch(session.id)
    await client.until(lambda: "ready" in screen.text)
    return session.id


def send(session: SessionId, request: str, *chunks: Chunk, steal: bool = False, head: int | None = None) -> SendInput:
    return SendInput(session, request, chunks, steal, head)


async def test_chunks_arrive_in_order_encoded_for_the_modes_of_the_session(client: Client, tmp_path: Path) -> None:
    session = await recorder(client, tmp_path / "in", "\033[?1h\033[?2004h")
    chunks = (Chunk(text="two\nlines"), Chunk(key="enter"), Chunk(key="up"), Chunk(data="00ff"))
    sent = await client.request(send(session, "r1", *chunks))
    expected = b"\x1b[200~two\nlines\x1b[201~\r\x1bOA\x00\xff"
    await eventually(lambda: (tmp_path / "in").read_bytes() == expected)
    assert sent.bytes == len(expected)


async def test_a_send_that_is_tried_again_is_typed_once(client: Client, tmp_path: Path) -> None:
    session = await recorder(client, tmp_path / "in")
    await client.subscribe(after=client.last_event)
    for _ in range(3):
        await client.request(send(session, "again", Chunk(text="once"), Chunk(key="enter")))
    await client.request(send(session, "last", Chunk(text="!")))
    await eventually(lambda: (tmp_path / "in").read_bytes().endswith(b"!"))
    assert (tmp_path / "in").read_bytes() == b"once\r!"
    await client.until(lambda: len([e for e in client.events if e.kind is EventKind.INPUT_SENT]) == 2)
    sent = [event.data for event in client.events if event.kind is EventKind.INPUT_SENT]
    assert sent == [{"operator": "ann", "bytes": 5}, {"operator": "ann", "bytes": 1}]


async def test_a_send_is_typed_once_however_often_the_agent_dies_meanwhile(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    session = await recorder(client, tmp_path / "in")
    for number in range(4):
        request = send(session, f"send {number}", *(Chunk(text=f"<{number}.{part}>") for part in range(5)))
        dying = asyncio.create_task(client.request(request, limit=1.0))
        await asyncio.sleep(0)
        await node.kill_agent()
        with contextlib.suppress(asyncio.TimeoutError):
            await dying
        client = await node.connect()
        await client.request(request)
    expected = "".join(f"<{number}.{part}>" for number in range(4) for part in range(5)).encode()
    await eventually(lambda: len((tmp_path / "in").read_bytes()) >= len(expected))
    assert (tmp_path / "in").read_bytes() == expected


async def test_a_child_sees_nothing_that_nobody_sent(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    session = await recorder(client, tmp_path / "in", "\033[c\033[6n\033[?2026$p")
    await eventually(lambda: (tmp_path / "in").read_bytes().endswith(b"$y"))
    answered = (tmp_path / "in").read_bytes()
    for _ in range(3):
        await node.kill_agent()
    again = await node.connect()
    await again.open_bytes(session, "attach")
    await again.request(send(session, "end", Chunk(text="end")))
    await eventually(lambda: (tmp_path / "in").read_bytes().endswith(b"end"))
    assert (tmp_path / "in").read_bytes() == answered + b"end"


@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ((), ErrorCode.BAD_REQUEST),
        ((Chunk(),), ErrorCode.BAD_REQUEST),
        ((Chunk(text="a", key="b"),), ErrorCode.BAD_REQUEST),
        ((Chunk(text="typed?"), Chunk(key="no-such-key")), ErrorCode.BAD_KEY),
        ((Chunk(data="xyz"),), ErrorCode.BAD_REQUEST),
    ],
)
async def test_a_bad_chunk_is_refused_before_anything_is_typed(
    client: Client, tmp_path: Path, chunks: tuple[Chunk, ...], code: ErrorCode
) -> None:
    session = await recorder(client, tmp_path / "in")
    with pytest.raises(RequestError) as caught:
        await client.request(send(session, "bad", *chunks))
    assert caught.value.code is code
    await client.request(send(session, "good", Chunk(text="good")))
    await eventually(lambda: (tmp_path / "in").read_bytes() == b"good")


async def test_input_for_an_older_screen_is_refused(client: Client, tmp_path: Path) -> None:
    session = await recorder(client, tmp_path / "in")
    sent = await client.request(send(session, "first", Chunk(text="a")))
    stream = await client.open_bytes(session, "follow")
    await client.until(lambda: stream.data.endswith(b"."))
    with pytest.raises(RequestError) as caught:
        await client.request(send(session, "late", Chunk(text="b"), head=sent.head))
    assert caught.value.code is ErrorCode.CHANGED
    await client.request(send(session, "now", Chunk(text="c"), head=len(stream.data)))
    await eventually(lambda: (tmp_path / "in").read_bytes() == b"ac")


async def test_a_line_the_kernel_would_cut_is_refused(client: Client) -> None:
    session = await client.start("cat")
    with pytest.raises(RequestError) as caught:
        await client.request(send(session.id, "long", Chunk(text="x" * 5000)))
    assert caught.value.code is ErrorCode.LINE_TOO_LONG


async def test_input_to_an_ended_session_is_refused(client: Client) -> None:
    session = await client.start("true")
    await client.ended(session.id)
    with pytest.raises(RequestError) as caught:
        await client.request(send(session.id, "r", Chunk(text="x")))
    assert caught.value.code is ErrorCode.NOT_RUNNING


async def test_one_client_types_at_a_time_and_another_may_take_over(shared_node: Node, client: Client) -> None:
    session = await client.start("cat")
    other = await shared_node.connect("bob")
    await client.subscribe(after=client.last_event)
    mine = await client.open_bytes(session.id, "attach")
    theirs = await other.open_bytes(session.id, "attach")
    assert (mine.opened.lease, theirs.opened.lease) == (True, False)
    other.type(theirs, 1, b"no\r")
    await other.until(lambda: other.input_acks)
    assert other.input_acks[theirs.number, 1]["code"] == ErrorCode.LEASE_HELD.value
    for request in (send(session.id, "s", Chunk(text="no")), ResizeSession(session.id, 50, 20), TakeLease(session.id)):
        with pytest.raises(RequestError, match="ann") as caught:
            await other.request(request)
        assert caught.value.code is ErrorCode.LEASE_HELD
    await other.request(TakeLease(session.id, steal=True))
    client.type(mine, 1, b"late\r")
    await client.until(lambda: client.input_acks)
    assert client.input_acks[mine.number, 1]["code"] == ErrorCode.LEASE_HELD.value
    await client.until(lambda: (lease := client.sessions[session.id].lease) and lease.holder == "bob")
    other.type(theirs, 2, b"mine now\r")
    await client.until(lambda: b"mine now" in mine.data)
    await other.request(ReleaseLease(session.id))
    await client.until(lambda: client.sessions[session.id].lease is None)
    told = [EventKind.LEASE_TAKEN, EventKind.LEASE_RELEASED, EventKind.LEASE_TAKEN, EventKind.LEASE_RELEASED]
    await client.until(lambda: len(lease_kinds(client)) >= len(told))  # events are told once stored, state at once
    assert lease_kinds(client) == told


def lease_kinds(client: Client) -> list[EventKind]:
    return [event.kind for event in client.events if event.kind.value.startswith("lease")]


async def test_the_lease_goes_with_its_stream(shared_node: Node, client: Client) -> None:
    session = await client.start("cat")
    stream = await client.open_bytes(session.id, "attach")
    other = await shared_node.connect("bob")
    client.end(stream)
    await client.until(lambda: client.sessions[session.id].lease is None)
    assert (await other.open_bytes(session.id, "attach")).opened.lease


async def test_the_lease_of_a_cut_client_is_kept_for_its_operator(shared_node: Node, client: Client) -> None:
    session = await client.start("cat")
    watcher = await shared_node.connect("eve")
    await client.open_bytes(session.id, "attach")
    await client.close()
    bob, ann = await shared_node.connect("bob"), await shared_node.connect("ann")
    assert not (await bob.open_bytes(session.id, "attach")).opened.lease
    assert (await ann.open_bytes(session.id, "attach")).opened.lease
    await watcher.until(lambda: (lease := watcher.sessions[session.id].lease) and lease.holder == "ann")


async def test_an_interrupt_overtakes_input_the_program_does_not_read(client: Client) -> None:
    session = await client.start("python3", "-c", "import time\nprint('ready', flush=True)\ntime.sleep(600)")
    stream = await client.open_bytes(session.id, "attach")
    await client.until(lambda: b"ready" in stream.data)
    for number in range(1, 60):
        client.type(stream, number, b"unread line\r" * 40)
    client.type(stream, 60, b"\x03")
    ended = await client.ended(session.id)
    assert ended.code == 1 or ended.signal == signal.SIGINT


async def test_two_agents_that_overlap_answer_a_query_once(node: Node, tmp_path: Path) -> None:
    def answered() -> list[int]:
        told = (tmp_path / "in").read_bytes() if (tmp_path / "in").exists() else b""
        return [(int(row) - 1) * 100 + int(column) - 1 for row, column in re.findall(rb"\x1b\[(\d+);(\d+)R", told)]

    client = await node.connect()
    await client.start("python3", "-c", ASKER, str(tmp_path / "in"))
    await eventually(lambda: len(answered()) >= 10)
    old = node.agent_pid()
    node.paths.agent_lock.unlink()  # as on a file system whose locks do not hold
    node.start_agent()
    await eventually(
        lambda: node.paths.agent_lock.exists() and node.paths.agent_lock.read_text().strip() not in ("", str(old))
    )
    await eventually(lambda: not is_alive(old))
    await node.serving()
    before = len(answered())
    await eventually(lambda: len(answered()) >= before + 20)
    # One that is over a second old is answered by nobody: a machine that starts an agent slowly leaves a hole.
    assert answered() == sorted(set(answered()))


async def test_an_agent_that_a_newer_one_fenced_off_hangs_up_and_refuses_nothing(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    request = send(await recorder(client, tmp_path / "in"), "once", Chunk(text="once"))
    with contextlib.closing(sqlite3.connect(node.paths.database)) as database, database:
        database.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'")
    answer = asyncio.create_task(client.request(request))
    await client.until(lambda: client.is_closed)
    assert not answer.done(), "it was typed, whatever the fenced agent could not record"
    answer.cancel()
    await node.kill_agent()
    again = await node.connect()
    await again.request(request)
    await again.request(send(request.session, "end", Chunk(text="!")))
    await eventually(lambda: (tmp_path / "in").read_bytes().endswith(b"!"))
    assert (tmp_path / "in").read_bytes() == b"once!"


async def test_input_is_acked_in_order(client: Client, tmp_path: Path) -> None:
    session = await recorder(client, tmp_path / "in")
    stream = await client.open_bytes(session, "attach")
    for number in range(1, 201):
        client.type(stream, number, b"%d," % number)
    await client.until(lambda: len(client.input_acks) == 200)
    assert not any(client.input_acks.values())
    await eventually(lambda: (tmp_path / "in").read_bytes().endswith(b"200,"))
    assert (tmp_path / "in").read_bytes() == b"".join(b"%d," % number for number in range(1, 201))
