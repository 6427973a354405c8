"""What enters a child: in order, whole, once, and only what somebody sent."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperError
from node_agent.io.keeper_notices import Fenced
from node_agent.journal.index import Input
from node_agent.journal.reader import JournalReader
from node_agent.keeper.control import MAX_LINE, WriteResult
from tests.keeper.harness import Node, run_python, until

RAW_ECHO = """
import os, sys, tty
tty.setraw(0)
print("ready", end="", flush=True)
while True:
    data = os.read(0, 65536)
    os.write(1, data.hex().encode() + b" ")
"""
"""Prints in hexadecimal whatever it is given."""

SILENT_RECORDER = """
import os, sys, tty
tty.setraw(0)
print("ready", end="", flush=True)
with open(sys.argv[1], "wb", 0) as file:
    while True:
        file.write(os.read(0, 65536))
"""
"""Keeps what it is given in a file and prints nothing."""


async def raw_echo(node: Node) -> str:
    session = await node.spawn(*run_python(RAW_ECHO))
    await node.shows(session, b"ready")
    return session


async def test_blocks_enter_in_the_order_they_were_sent(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "typed"
    session = await node.spawn(*run_python(SILENT_RECORDER, str(path)))
    await node.shows(session, b"ready")
    blocks = [f"<{number}{'x' * (number * 37 % 3000)}>".encode() for number in range(200)]
    results = await asyncio.gather(*(node.write(session, block) for block in blocks))
    assert [result.input_seq for result in results] == list(range(1, 201))
    await until(lambda: len(path.read_bytes()) >= sum(map(len, blocks)))
    assert path.read_bytes() == b"".join(blocks)


async def test_each_input_stands_in_the_index_but_not_its_bytes(node: Node) -> None:
    session = await raw_echo(node)
    await node.write(session, b"secret", "answer")
    await node.shows(session, b"secret".hex().encode())
    head = (await node.record(session)).head
    await node.write(session, b"!", "attach")
    with JournalReader(str(node.directory(session))) as reader:
        inputs = [(r.offset, r.body) for r in reader.records() if isinstance(r.body, Input)]
    assert inputs == [(5, Input(1, 6, "answer")), (head, Input(2, 1, "attach"))]
    assert (await node.record(session)).input_seq == 2


async def test_a_request_id_is_applied_once(node: Node) -> None:
    session = await raw_echo(node)
    first = await node.client.write(session, "id", "send", b"a")
    again = await asyncio.gather(*(node.client.write(session, "id", "send", b"a") for _ in range(3)))
    assert first.applied
    assert again == [first._replace(repeated=True)] * 3
    await node.shows(session, b"61 ")
    await node.client.write(session, "another", "send", b"z")
    await node.shows(session, b"7a ")
    assert node.output(session) == b"ready61 7a "


async def test_a_request_id_of_a_queued_block_gets_that_blocks_result(node: Node) -> None:
    session = await node.shell("stty raw -echo; echo ready; sleep 100")
    await node.shows(session, b"ready")
    writes = [asyncio.ensure_future(node.client.write(session, "big", "send", b"x" * 500_000)) for _ in range(2)]
    await asyncio.sleep(0)
    await node.client.kill(session)
    first, second = await asyncio.gather(*writes)
    assert first == second
    assert first.refused_reason == "gone"


async def test_a_newer_agent_fences_the_older(node: Node) -> None:
    session = await raw_echo(node)
    old = node.client
    newer = await node.connect(epoch=2)
    with pytest.raises(KeeperError) as caught:
        await old.write(session, "late", "send", b"a")
    assert caught.value.code == "fenced"
    assert (await newer.write(session, "now", "send", b"b")).applied
    await until(lambda: Fenced(2) in node.notices)
    assert len(await old.list()) == 1
    with pytest.raises(KeeperError, match="newer agent"):
        await node.connect(epoch=1)
    await node.shows(session, b"62")
    assert node.output(session) == b"ready62 "


async def test_an_observer_may_look_but_not_touch(node: Node) -> None:
    session = await raw_echo(node)
    observer = await node.connect(epoch=0)
    assert [record.id for record in await observer.list()] == [session]
    for change in (
        observer.write(session, "id", "send", b"x"),
        observer.kill(session),
        observer.upgrade(),
        observer.shutdown(),
    ):
        with pytest.raises(KeeperError) as caught:
            await change
        assert caught.value.code == "fenced"


async def test_input_for_an_older_screen_is_refused(node: Node) -> None:
    session = await raw_echo(node)
    await node.write(session, b"1")
    await node.shows(session, b"31 ")
    head = (await node.record(session)).head
    early = await node.client.write(session, "early", "answer", b"y", expect_head=head - 1)
    assert early == WriteResult(False, head, "changed")
    right = await node.client.write(session, "right", "answer", b"y", expect_head=head)
    assert (right.applied, right.head) == (True, head)


async def test_output_nobody_has_read_yet_counts_as_a_change(node: Node, tmp_path: Path) -> None:
    """The child prints while the keeper is stopped: only a drain before the comparison can see it."""
    go = tmp_path / "go"
    session = await node.shell(
        f"stty raw -echo; echo asks; until test -e {go}; do sleep 0.01; done; echo more; sleep 100"
    )
    await node.shows(session, b"asks")
    head = (await node.record(session)).head
    node.process.send_signal(signal.SIGSTOP)
    try:
        answer = asyncio.ensure_future(node.client.write(session, "answer", "answer", b"y", expect_head=head))
        await asyncio.sleep(0)  # the task sends at its first step
        go.touch()
        await asyncio.sleep(0.3)  # nothing outside the stopped keeper can tell that the child has printed
    finally:
        node.process.send_signal(signal.SIGCONT)
    result = await answer
    assert (result.applied, result.refused_reason) == (False, "changed")
    assert result.head > head


async def test_a_query_is_answered_once(node: Node) -> None:
    session = await raw_echo(node)
    offset = len(b"ready")
    reply = b"\x1b[?62c"

    async def answer(request: str, query_offset: int) -> str:
        result = await node.client.write(session, request, "query", reply, query_offset=query_offset)
        return result.refused_reason

    assert await answer("first", offset) == ""
    assert await answer("replayed", offset) == "answered"
    assert await answer("earlier", offset - 2) == "answered"
    await node.shows(session, reply.hex().encode())
    assert node.output(session).count(reply.hex().encode()) == 1


async def test_an_old_query_is_not_answered(node: Node) -> None:
    session = await raw_echo(node)
    await asyncio.sleep(1.2)  # the rule is about time itself: a second after the query it is too late
    result = await node.client.write(session, "late", "query", b"\x1b[0n", query_offset=5)
    assert result.refused_reason == "too_old"


async def test_lines_the_kernel_would_cut_are_refused_whole(node: Node) -> None:
    session = await node.spawn(*run_python("print('ready', flush=True); print('got', len(input()), 'bytes')"))
    await node.shows(session, b"ready")
    for data in (b"x" * (MAX_LINE + 1), b"short\n" + b"x" * (MAX_LINE + 1) + b"\nshort\n"):
        assert (await node.write(session, data)).refused_reason == "line_too_long"
    assert (await node.write(session, b"x" * (MAX_LINE - 5))).applied
    assert (await node.write(session, b"y" * 6)).refused_reason == "line_too_long", "the line had been begun"
    assert (await node.write(session, b"y" * 5 + b"\n")).applied
    await node.shows(session, b"got 4095 bytes")


async def test_a_raw_terminal_has_no_lines(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "typed"
    session = await node.spawn(*run_python(SILENT_RECORDER, str(path)))
    await node.shows(session, b"ready")
    data = b"x" * 100_000
    assert (await node.write(session, data)).applied
    await until(lambda: path.read_bytes() == data)


async def test_many_short_lines_for_a_slow_reader_all_arrive(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    session = await node.shell(f"stty -echo; echo ready; sleep 0.5; head -n 20000 > {path}; echo done")
    await node.shows(session, b"ready")
    lines = b"".join(b"%07d\n" % number for number in range(20_000))
    assert (await node.write(session, lines)).applied
    await node.shows(session, b"done")
    assert path.read_bytes() == lines


async def test_an_interrupt_overtakes_a_paste_nobody_reads(node: Node) -> None:
    session = await node.shell("stty -echo; trap 'echo interrupted' INT; echo ready; sleep 100; read x; echo left:$x.")
    await node.shows(session, b"ready")
    lines = b"rm -rf everything\n" * 20_000
    first = asyncio.ensure_future(node.write(session, lines))
    await asyncio.sleep(0)  # the task sends at its first step
    interrupt = await node.write(session, b"\x03", "interrupt")
    assert interrupt.applied
    assert (await first).refused_reason == "interrupted"
    await node.shows(session, b"interrupted")
    await node.write(session, b"after\n")
    await node.shows(session, b"left:after.")


async def test_an_interrupt_goes_before_blocks_not_begun(node: Node, tmp_path: Path) -> None:
    path, go = tmp_path / "typed", tmp_path / "go"
    code = SILENT_RECORDER.replace(
        "with open", f"import time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nwith open"
    )
    session = await node.spawn(*run_python(code, str(path)))
    await node.shows(session, b"ready")
    begun = b"<" + b"b" * 300_000 + b">"
    writes = [
        asyncio.ensure_future(node.write(session, begun)),
        asyncio.ensure_future(node.write(session, b"queued")),
        asyncio.ensure_future(node.write(session, b"\x03", "interrupt")),
    ]
    await asyncio.sleep(0)  # each task sends at its first step
    await node.client.ping()  # so all three are with the keeper now
    go.touch()
    assert all(result.applied for result in await asyncio.gather(*writes))
    expected = begun + b"\x03" + b"queued"
    await until(lambda: len(path.read_bytes()) == len(expected))
    assert path.read_bytes() == expected


async def test_the_queue_has_a_bound_and_what_is_over_it_is_refused(node: Node) -> None:
    session = await node.shell("stty raw -echo; echo ready; sleep 100")
    await node.shows(session, b"ready")
    writes = [asyncio.ensure_future(node.write(session, b"x" * 300_000)) for _ in range(5)]
    assert (await writes[4]).refused_reason == "busy"
    await node.client.kill(session)
    assert {result.refused_reason for result in await asyncio.gather(*writes)} == {"busy", "gone"}


async def test_input_for_an_ended_session_is_refused(node: Node) -> None:
    session = await node.spawn("true")
    await node.ends(session)
    with pytest.raises(KeeperError) as caught:
        await node.write(session, b"x")
    assert caught.value.code == "not_running"
    with pytest.raises(KeeperError, match="no session s99"):
        await node.write("s99", b"x")


async def test_modes_and_foreground_group_are_the_kernels(node: Node) -> None:
    session = await node.shell("stty -echo; echo ready; read x; stty raw; echo again; sleep 100")
    await node.shows(session, b"ready")
    modes = await node.client.termios(session)
    assert (modes.icanon, modes.echo, modes.isig) == (True, False, True)
    assert modes.foreground == (await node.record(session)).pid
    await node.write(session, b"\n")
    await node.shows(session, b"again")
    modes = await node.client.termios(session)
    assert (modes.icanon, modes.isig, modes.icrnl) == (False, False, False)
