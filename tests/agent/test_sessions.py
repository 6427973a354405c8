"""Sessions from their start to their removal, through the agent's socket."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from node_agent.protocol.colors import Colors
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.notices import SessionChanged
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import (
    KillSession,
    ListSessions,
    RemoveSession,
    ResizeSession,
    StopSession,
    UpdateSession,
)
from node_agent.protocol.states import Attention, EventKind, SessionState
from tests.client import Client
from tests.harness import Node


async def test_a_session_is_started_watched_and_ends(client: Client) -> None:
    session = await client.start("sh", "-c", "printf 'hello\\nworld'; exit 3", columns=40, rows=5)
    screen = await client.watch(session.id)
    await client.until(lambda: screen.text == "hello\nworld")
    assert (await client.ended(session.id)).code == 3
    assert client.sessions[session.id].attention is Attention.EXITED
    assert (screen.screen.columns, len(screen.screen.rows)) == (40, 5)


async def test_a_session_that_has_exited_says_how_in_the_same_breath(client: Client) -> None:
    sessions = [await client.start("sh", "-c", "read x; exit 3") for _ in range(20)]
    await client.until(lambda: all(client.sessions[session.id].ask for session in sessions))
    for session in sessions:
        await client.request(SendInput(session.id, f"end {session.id}", (Chunk(key="enter"),)))
        await client.ended(session.id)
    told = [notice.session for notice in client.notices if isinstance(notice, SessionChanged)]
    assert not [info for info in told if (info.attention is Attention.EXITED) != (info.exit is not None)]


async def test_the_title_is_the_operators_else_the_terminals_else_the_commands(client: Client, tmp_path: Path) -> None:
    script = "read x; printf '\\033]2;from the program\\007'; read x"
    session = await client.start("sh", "-c", script, cwd=str(tmp_path))
    assert session.title == f"sh -c {script} · {tmp_path.name}".replace("\033", "")[: len(session.title)]
    stream = await client.open_bytes(session.id, "attach")
    client.type(stream, 1, b"\r")
    await client.until(lambda: client.sessions[session.id].title == "from the program")
    await client.request(UpdateSession(session.id, title="mine", tags=("gpu",)))
    assert (client.sessions[session.id].title, client.sessions[session.id].tags) in (
        ("mine", ("gpu",)),
        ("from the program", ()),  # the notice may still be on its way
    )
    await client.until(lambda: client.sessions[session.id].title == "mine")
    await client.request(UpdateSession(session.id, title=""))
    await client.until(lambda: client.sessions[session.id].title == "from the program")
    assert client.sessions[session.id].tags == ("gpu",)


@pytest.mark.parametrize("cwd", ["work", "./work", "~/work"])
async def test_a_relative_directory_begins_in_the_home_directory(node: Node, tmp_path: Path, cwd: str) -> None:
    (tmp_path / "work").mkdir()
    client = await node.connect()
    session = await client.start("sh", "-c", "pwd -P; exec cat", cwd=cwd)
    screen = await client.watch(session.id)
    await client.until(lambda: str((tmp_path / "work").resolve()) in screen.text.replace("\n", ""))


async def test_stop_ends_a_session_and_kill_one_that_ignores_it(client: Client) -> None:
    polite = await client.start("sleep", "600")
    deaf = await client.start("sh", "-c", "trap '' HUP TERM INT; echo ready; while :; do sleep 0.1; done")
    screen = await client.watch(deaf.id)
    await client.until(lambda: "ready" in screen.text)
    await client.request(StopSession(polite.id))
    await client.ended(polite.id)
    await client.request(StopSession(deaf.id, grace=60.0))
    assert client.sessions[deaf.id].exit is None
    await client.request(KillSession(deaf.id))
    assert (await client.ended(deaf.id)).signal == 9


async def test_an_ended_session_is_removed_and_a_running_one_is_not(shared_node: Node, client: Client) -> None:
    running = await client.start("sleep", "600")
    with pytest.raises(RequestError) as caught:
        await client.request(RemoveSession(running.id))
    assert caught.value.code is ErrorCode.STILL_RUNNING
    ended = await client.start("true")
    await client.until(lambda: client.sessions[ended.id].state is SessionState.CLOSED)
    directory = shared_node.paths.sessions / ended.id
    assert directory.is_dir()
    await client.request(RemoveSession(ended.id))
    await client.until(lambda: ended.id not in client.sessions)
    assert not directory.exists()
    listed = await client.request(ListSessions())
    names = {session.id for session in listed.sessions}
    assert running.id in names
    assert ended.id not in names


async def test_a_start_that_is_tried_again_starts_one_session(client: Client) -> None:
    first = await client.start("sleep", "600", request="the same")
    second = await client.start("sleep", "600", request="the same")
    assert first.id == second.id
    listed = await client.request(ListSessions())
    assert [session.id for session in listed.sessions].count(first.id) == 1


@pytest.mark.parametrize(
    ("command", "options", "code"),
    [
        (("no-such-command-here",), {}, ErrorCode.COMMAND_NOT_FOUND),
        (("true",), {"cwd": "/no/such/directory"}, ErrorCode.CWD_MISSING),
        (("true",), {"columns": 0}, ErrorCode.BAD_SIZE),
        (("true",), {"rows": 100_000}, ErrorCode.BAD_SIZE),
        (("true\0",), {}, ErrorCode.BAD_REQUEST),
        (("true",), {"request": ""}, ErrorCode.BAD_REQUEST),
        (("true",), {"colors": Colors(cursor="red")}, ErrorCode.BAD_REQUEST),
    ],
)
async def test_a_start_that_cannot_be_is_refused(
    client: Client, command: tuple[str, ...], options: dict[str, object], code: ErrorCode
) -> None:
    before = await client.request(ListSessions())
    with pytest.raises(RequestError) as caught:
        await client.start(*command, **options)
    assert caught.value.code is code
    assert "\n" not in caught.value.message
    assert len((await client.request(ListSessions())).sessions) == len(before.sessions)


async def test_an_unknown_session_is_refused_by_name(client: Client) -> None:
    with pytest.raises(RequestError, match="zz9") as caught:
        await client.request(KillSession(SessionId("zz9")))
    assert caught.value.code is ErrorCode.NO_SESSION


async def test_a_session_has_the_environment_that_was_asked_for(client: Client) -> None:
    session = await client.start(
        "sh", "-c", "env; read x", rows=100, env={"COLOUR": "blue"}, base_env={"PATH": "/usr/bin:/bin", "TMUX": "1"}
    )
    screen = await client.watch(session.id)
    await client.until(lambda: "COLOUR=blue" in screen.text and "RELAY_SESSION" in screen.text)
    lines = set(screen.text.splitlines())
    assert client.node is not None
    assert {"TERM=xterm-256color", "COLORTERM=truecolor", f"RELAY_SESSION={session.id}"} <= lines
    assert f"RELAY_NODE={client.node.node.uuid}" in lines
    assert not [line for line in lines if line.startswith("TMUX=")]


async def test_the_login_shells_environment_is_read(node: Node, tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text("echo a banner; export FROM_PROFILE=yes\n")
    (tmp_path / ".bash_profile").write_text("echo a banner; export FROM_PROFILE=yes\n")
    client = await node.connect()
    session = await client.start("sh", "-c", "echo profile=$FROM_PROFILE; read x", bare=False)
    screen = await client.watch(session.id)
    await client.until(lambda: "profile=yes" in screen.text)


async def test_the_size_can_be_changed_and_the_program_and_screen_follow(client: Client) -> None:
    session = await client.start("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done")
    screen = await client.watch(session.id)
    await client.until(lambda: "ready" in screen.text)
    await client.request(ResizeSession(session.id, 90, 33))
    await client.until(lambda: "33 90" in screen.text)
    assert (screen.screen.columns, len(screen.screen.rows)) == (90, 33)


async def test_logs_join_what_the_terminal_wrapped(client: Client) -> None:
    long = "x" * 100
    session = await client.start("sh", "-c", f"seq 1 50; echo {long}; read x", columns=40, rows=10)
    screen = await client.watch(session.id)
    await client.until(lambda: "x" in screen.text)
    logs = await client.request(ReadLogs(session.id))
    assert list(logs.lines) == [str(n) for n in range(1, 51)] + [long]
    tail = await client.request(ReadLogs(session.id, tail=2, color=True))
    assert tail.lines == ("50", long)
    assert len(tail.spans) == 2


async def test_events_tell_of_a_sessions_life_once_and_in_order(client: Client) -> None:
    await client.subscribe(after=client.last_event)
    session = await client.start("true")
    await client.until(lambda: client.sessions[session.id].state is SessionState.CLOSED)
    await client.request(RemoveSession(session.id))
    await client.until(lambda: any(event.kind is EventKind.SESSION_REMOVED for event in client.events))
    assert [event.kind for event in client.events if event.session == session.id] == [
        EventKind.SESSION_STARTED,
        EventKind.SESSION_EXITED,
        EventKind.SESSION_CLOSED,
        EventKind.SESSION_REMOVED,
    ]
    assert [event.n for event in client.events] == sorted({event.n for event in client.events})


async def test_sessions_that_end_while_they_are_taken_over_are_told_of_in_order(client: Client) -> None:
    await client.subscribe(after=client.last_event)
    sessions = [session.id for session in await asyncio.gather(*(client.start("true") for _ in range(60)))]
    await client.until(lambda: all(client.sessions[session].state is SessionState.CLOSED for session in sessions))
    for session in sessions:
        assert [event.kind for event in client.events if event.session == session] == [
            EventKind.SESSION_STARTED,
            EventKind.SESSION_EXITED,
            EventKind.SESSION_CLOSED,
        ]


async def test_a_session_outlives_its_agent(node: Node) -> None:
    client = await node.connect()
    session = await client.start("sh", "-c", "echo $$; read x; echo after; read x")
    screen = await client.watch(session.id)
    await client.until(lambda: screen.text.strip().isdigit())
    pid = int(screen.text)
    await node.kill_agent()
    os.kill(pid, 0)
    again = await node.connect()
    assert again.node is not None
    assert again.node.node.epoch == 2
    assert [s.id for s in again.node.sessions] == [session.id]
    stream = await again.open_bytes(session.id, "attach")
    again.type(stream, 1, b"\r")
    watched = await again.watch(session.id)
    await again.until(lambda: "after" in watched.text)
    assert str(pid) in watched.text
