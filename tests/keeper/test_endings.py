"""How sessions end, and that what ended them and what they printed is kept."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperError
from node_agent.journal.meta import ExitRecord, read_exit
from node_agent.protocol.states import SessionState
from tests.keeper.harness import Node, is_alive, run_python, running_node, until

STUBBORN = """
import os, signal, time
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("pid", os.getpid(), "ready", flush=True)
while True:
    time.sleep(100)
"""


@pytest.mark.parametrize(
    ("script", "code", "number"),
    [("exit 0", 0, None), ("exit 7", 7, None), ("kill -TERM $$", None, 15), ("kill -KILL $$", None, 9)],
)
async def test_the_exit_is_told_and_on_disk(node: Node, script: str, code: int | None, number: int | None) -> None:
    session = await node.shell(f"echo last words; {script}")
    record = await node.ends(session)
    assert record.state is SessionState.CLOSED
    assert record.exit is not None
    assert (record.exit.code, record.exit.signal) == (code, number)
    told = node.exited[session]
    assert told.status == record.exit
    assert told.head == len(b"last words\r\n") == record.head
    on_disk = read_exit(str(node.directory(session)))
    assert on_disk == ExitRecord(code, number, record.exit.at, "", record.head)
    assert node.output(session) == b"last words\r\n"


async def test_a_lot_printed_just_before_the_end_is_kept(node: Node) -> None:
    session = await node.spawn("seq", "1", "20000")
    await node.ends(session)
    assert node.output(session) == b"".join(b"%d\r\n" % number for number in range(1, 20_001))


async def test_exited_is_not_closed_while_somebody_holds_the_terminal(node: Node, tmp_path: Path) -> None:
    go = tmp_path / "go"
    session = await node.shell(
        f"trap '' HUP; (until test -e {go}; do sleep 0.01; done; echo still here) & echo leader leaves; exit 4"
    )
    await until(lambda: session in node.exited)
    record = await node.record(session)
    assert record.state is SessionState.EXITED
    assert session not in node.closed
    go.touch()
    record = await node.ends(session)
    assert node.output(session) == b"leader leaves\r\nstill here\r\n"
    assert record.exit is not None
    assert record.exit.code == 4


async def test_a_terminal_let_go_for_a_moment_is_kept(node: Node, tmp_path: Path) -> None:
    go = tmp_path / "go"
    session = await node.shell(
        f"echo before; exec </dev/null >/dev/null 2>&1; until test -e {go}; do sleep 0.01; done; echo after >/dev/tty"
    )
    await node.shows(session, b"before")
    go.touch()
    await node.ends(session)
    assert node.output(session) == b"before\r\nafter\r\n"
    record = await node.record(session)
    assert record.exit is not None
    assert record.exit.code == 0


async def test_stop_asks_first(node: Node) -> None:
    session = await node.shell(
        "trap 'echo hung up' HUP; trap 'echo told to end; exit 3' TERM; echo ready; while :; do sleep 0.01; done"
    )
    await node.shows(session, b"ready")
    await node.client.stop(session, grace=15.0)
    record = await node.ends(session)
    assert b"hung up" in node.output(session)
    assert b"told to end" in node.output(session)
    assert record.exit is not None
    assert record.exit.code == 3


async def test_stop_reaches_a_stopped_program(node: Node) -> None:
    session = await node.shell("echo ready; kill -STOP $$; echo never")
    await node.shows(session, b"ready")
    pid = (await node.record(session)).pid
    await until(lambda: b"State:\tT" in Path(f"/proc/{pid}/status").read_bytes())
    await node.client.stop(session, grace=15.0)
    record = await node.ends(session)
    assert record.exit is not None
    assert record.exit.signal in (signal.SIGHUP, signal.SIGTERM)


async def test_a_stubborn_program_and_its_children_are_killed_after_the_grace(node: Node, tmp_path: Path) -> None:
    """Leader, a background child in a group of its own and one that has left the terminal: one session, all gone."""
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(STUBBORN)
    run = " ".join((run_python("")[0], "-I", "-S", str(stubborn)))
    session = await node.spawn(
        "bash", "-c", f"set -m; trap '' HUP TERM INT; {run} & {run} >{tmp_path}/away </dev/null 2>&1 & exec {run}"
    )
    away = tmp_path / "away"
    await until(lambda: node.output(session).count(b"ready") == 2 and away.exists() and b"ready" in away.read_bytes())
    words = (node.output(session) + away.read_bytes()).split()
    pids = [int(words[at + 1]) for at, word in enumerate(words) if word == b"pid"]
    assert len(pids) == 3
    await node.client.stop(session, grace=0.2)
    record = await node.ends(session)
    await until(lambda: not any(is_alive(pid) for pid in pids))
    assert record.exit is not None
    assert record.exit.signal == signal.SIGKILL


async def test_kill_ends_at_once_and_signal_reaches_the_foreground(node: Node) -> None:
    session = await node.shell("trap 'echo one' USR1; echo ready; while :; do sleep 0.01; done")
    await node.shows(session, b"ready")
    await node.client.signal(session, signal.SIGUSR1)
    await node.shows(session, b"one")
    await node.client.kill(session)
    record = await node.ends(session)
    assert record.exit is not None
    assert record.exit.signal == signal.SIGKILL


async def test_an_ended_session_is_forgotten_and_a_running_one_is_not(node: Node) -> None:
    running, ended = await node.shell("sleep 100"), await node.spawn("true")
    await node.ends(ended)
    with pytest.raises(KeeperError) as caught:
        await node.client.forget(running)
    assert caught.value.code == "still_running"
    (node.directory(ended) / "checkpoint").touch()
    await node.client.forget(ended)
    assert [record.id for record in await node.client.list()] == [running]
    assert os.listdir(node.paths.sessions) == [running]


async def test_a_keeper_told_to_end_ends_its_sessions_and_says_how(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        session = await node.shell("echo ready; sleep 100")
        await node.shows(session, b"ready")
        pid = (await node.record(session)).pid
        node.process.send_signal(signal.SIGTERM)
        await until(lambda: node.process.poll() is not None)
    assert not is_alive(pid)
    ended = read_exit(str(tmp_path / "sessions" / session))
    assert ended is not None
    assert ended.signal in (signal.SIGHUP, signal.SIGTERM)


async def test_a_resize_reaches_the_program_and_the_index(node: Node) -> None:
    session = await node.shell("trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done")
    await node.shows(session, b"ready")
    head = await node.client.resize(session, 100, 30)
    await node.shows(session, b"30 100")
    record = await node.record(session)
    assert (record.columns, record.rows) == (100, 30)
    assert head == len(b"ready\r\n")
    with pytest.raises(KeeperError) as caught:
        await node.client.resize(session, 0, 30)
    assert caught.value.code == "bad_size"
