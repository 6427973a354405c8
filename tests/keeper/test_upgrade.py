"""Replacing the keeper's program in place: nothing that it holds notices."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperError
from node_agent.io.keeper_launch import keeper_command
from node_agent.protocol.states import SessionState
from tests.keeper.harness import Node, run_python, until
from tests.keeper.test_input import SILENT_RECORDER, raw_echo


async def test_sessions_connections_and_memory_survive(node: Node) -> None:
    session = await raw_echo(node)
    ended = await node.shell("exit 3")
    await node.ends(ended)
    await node.client.write(session, "before", "send", b"a")
    await node.shows(session, b"61 ")
    await node.client.write(session, "query", "query", b"q", query_offset=5)
    other = await node.connect(epoch=1)
    before = {record.id: record._replace(head=0) for record in await other.list()}

    info = await other.upgrade()

    assert info.pid == node.process.pid
    assert info.epoch == 1
    assert {record.id: record._replace(head=0) for record in await other.list()}[session] == before[session]
    assert (await node.record(ended)).exit == before[ended].exit
    assert (await other.write(session, "before", "send", b"a")).repeated
    late = await other.write(session, "replayed", "query", b"q", query_offset=5)
    assert late.refused_reason == "answered"
    assert (await other.write(session, "after", "send", b"z")).input_seq == 3
    await node.shows(session, b"7a ")
    assert node.output(session) == b"ready61 71 7a "
    await until(lambda: node.heads.get(session) == len(b"ready61 71 7a "), "a notice after the upgrade")
    await node.connect(epoch=2)
    with pytest.raises(KeeperError) as caught:
        await other.write(session, "fenced", "send", b"x")
    assert caught.value.code == "fenced"


async def test_no_byte_and_no_exit_status_is_lost_under_load(node: Node, tmp_path: Path) -> None:
    go = tmp_path / "go"
    loads = [await node.shell(f"until test -e {go}; do seq 1 3000; done; exit {code}") for code in (1, 2)]
    for _ in range(3):
        heads = dict(node.heads)
        await node.client.upgrade()
        await until(lambda: all(node.heads.get(name, 0) > heads.get(name, 0) for name in loads))  # noqa: B023 - used at once
    go.touch()
    round_ = b"".join(b"%d\r\n" % number for number in range(1, 3001))
    for code, session in enumerate(loads, 1):
        record = await node.ends(session)
        output = node.output(session)
        assert len(output) == record.head
        assert output == round_ * (len(output) // len(round_))
        assert record.exit is not None
        assert record.exit.code == code


async def test_input_under_way_arrives_once(node: Node, tmp_path: Path) -> None:
    path, go = tmp_path / "typed", tmp_path / "go"
    wait = f"import time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    session = await node.spawn(*run_python(SILENT_RECORDER.replace("with open", f"{wait}with open"), str(path)))
    await node.shows(session, b"ready")
    blocks = [bytes((65 + number,)) * 200_000 for number in range(4)]
    writes = [asyncio.ensure_future(node.write(session, block)) for block in blocks]
    await asyncio.sleep(0)  # each task sends at its first step
    await node.client.upgrade()
    go.touch()
    results = await asyncio.gather(*writes)
    assert [result.input_seq for result in results] == [1, 2, 3, 4]
    await until(lambda: path.read_bytes() == b"".join(blocks))


async def test_a_grace_under_way_and_a_child_that_ends_meanwhile_are_kept(node: Node) -> None:
    stubborn = await node.shell("trap '' HUP TERM; echo ready; while :; do sleep 0.01; done")
    await node.shows(stubborn, b"ready")
    await node.client.stop(stubborn, grace=0.5)
    await node.client.upgrade()
    record = await node.ends(stubborn)
    assert record.state is SessionState.CLOSED
    assert record.exit is not None
    assert record.exit.signal == 9


@pytest.mark.parametrize(
    "argv",
    [
        ("/no/such/program",),
        (sys.executable, "-c", "raise SystemExit(1)"),
        (sys.executable, "-c", "import no_such_module"),
        ("false",),
    ],
)
async def test_a_program_that_would_not_run_changes_nothing(node: Node, argv: tuple[str, ...]) -> None:
    session = await raw_echo(node)
    with pytest.raises(KeeperError) as caught:
        await node.client.upgrade(argv)
    assert caught.value.code == "refused"
    assert (await node.write(session, b"a")).applied
    await node.shows(session, b"61 ")


async def test_a_check_knows_other_layouts_of_the_state(node: Node) -> None:
    for version, code in (("1", 0), ("2", 1)):
        check = await asyncio.create_subprocess_exec(*keeper_command(), "--check", version)
        assert await check.wait() == code
