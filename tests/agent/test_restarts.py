"""What becomes of sessions that were lost with their machine or their keeper."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node_agent.io.restarts import STAGGER
from node_agent.protocol.asks import AnswerAsk, Outcome
from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.events import ListEvents
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.sessions import UpdateSession
from node_agent.protocol.states import Attention, EventKind, Restart, SessionState
from tests.client import Client
from tests.harness import Node, running_node
from tests.processes import is_alive
from tests.waiting import eventually


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path / "node", env={"RELAY_BOOT_ID": "first boot"}) as node:
        yield node


def program(tmp_path: Path, name: str) -> str:
    """A program of that name that says how it was started, and stays."""
    path = tmp_path / name
    path.write_text('#!/bin/sh\necho "$0 $*|$PWD|$COLOUR"\nexec cat\n')
    path.chmod(0o755)
    return str(path)


async def crash(node: Node, boot: str = "first boot") -> Client:
    """Kill agent and keeper at once, let the machine's boot id be `boot`, and start a new agent."""
    client = await node.connect()
    assert client.node is not None
    pids = [client.node.node.agent.pid, client.node.node.keeper.pid]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that neither revives the other
        for pid in pids:
            os.kill(pid, number)
    await eventually(lambda: not any(is_alive(pid) for pid in pids))
    node.env["RELAY_BOOT_ID"] = boot
    node.start_agent()
    await node.serving()
    return await node.connect()


def in_place_of(client: Client, lost: SessionInfo) -> SessionInfo | None:
    """The session that goes on for `lost`, as its note says."""
    note = client.sessions[lost.id].note
    name = note.removeprefix("goes on as ")
    return next((session for session in client.sessions.values() if note != name and session.id == name), None)


async def logs(client: Client, session: SessionInfo) -> str:
    return "\n".join((await client.request(ReadLogs(session.id))).lines)


async def answer(client: Client, session: SessionInfo, *, yes: bool) -> Outcome:
    ask = client.sessions[session.id].ask
    assert ask is not None
    outcome: Outcome = (await client.request(AnswerAsk(ask.id, f"answer {ask.id} {yes}", yes=yes))).outcome
    return outcome


async def test_a_session_comes_back_after_a_reboot_as_it_was(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    lost = await client.start(
        program(tmp_path, "work"),
        "hard",
        restart=Restart.AUTO,
        cwd=str(tmp_path),
        env={"COLOUR": "blue"},
        title="mine",
        tags=("a", "b"),
        columns=70,
        rows=20,
    )
    assert lost.restart is Restart.AUTO
    line = f"{tmp_path}/work hard|{tmp_path}|blue"
    await client.until(lambda: client.sessions[lost.id].head > len(line))
    client = await crash(node, "second boot")
    again = await client.until(lambda: in_place_of(client, lost))
    fields = ("command", "cwd", "title", "tags", "columns", "rows", "restart")
    assert [getattr(again, name) for name in fields] == [getattr(lost, name) for name in fields]
    await client.until(lambda: client.sessions[again.id].head > len(line))
    assert line in await logs(client, again)
    gone = client.sessions[lost.id]
    assert (gone.state, gone.attention) == (SessionState.LOST, Attention.EXITED)
    assert gone.exit is not None
    assert gone.exit.reason == "reboot"
    assert line in await logs(client, lost)


async def test_a_session_whose_keeper_alone_was_killed_comes_back_too(node: Node) -> None:
    client = await node.connect()
    lost = await client.start("cat", restart=Restart.AUTO)
    assert client.node is not None
    os.kill(client.node.node.keeper.pid, signal.SIGKILL)
    again = await client.until(lambda: in_place_of(client, lost))
    assert (again.state, again.command) == (SessionState.RUNNING, ("cat",))
    gone = client.sessions[lost.id].exit
    assert gone is not None
    assert gone.reason == "keeper killed"


async def test_coding_agents_take_up_their_conversations(node: Node, tmp_path: Path) -> None:
    claude, codex = program(tmp_path, "claude"), program(tmp_path, "codex")
    (tmp_path / "elsewhere").mkdir()
    client = await node.connect()
    started = [
        await client.start(*command, restart=Restart.AUTO, cwd=str(cwd))
        for cwd, command in (
            (tmp_path, (claude, "--model", "opus", "fix it")),
            (tmp_path, (claude, "write tests")),
            (tmp_path / "elsewhere", (claude, "fix it")),
            (tmp_path, (codex, "fix it")),
        )
    ]
    client = await crash(node)
    again = [await client.until(lambda: in_place_of(client, lost)) for lost in started]  # noqa: B023 - awaited here
    assert [session.command[1:] for session in again] == [
        ("--resume", "--model", "opus"),
        ("--resume",),
        ("--continue",),
        ("resume", "--last"),
    ]
    times = sorted(session.started for session in again)
    assert all(later - earlier > 0.9 * STAGGER for earlier, later in itertools.pairwise(times))


async def test_the_operator_is_asked_and_decides(node: Node) -> None:
    client = await node.connect()
    first, second, third = [await client.start("cat", restart=Restart.ASK) for _ in range(3)]
    await client.request(UpdateSession(third.id, restart=Restart.NEVER))
    client = await crash(node, "second boot")
    for lost in (first, second):
        await client.until(lambda: client.sessions[lost.id].ask)  # noqa: B023 - awaited here
        assert client.sessions[lost.id].attention is Attention.ASKING
    await node.kill_agent()
    client = await node.connect()
    asks = [client.sessions[lost.id].ask for lost in (first, second, third)]
    assert [bool(ask) for ask in asks] == [True, True, False]
    assert asks[0] is not None
    assert asks[0].excerpt == "lost: reboot\nStart it again? cat"
    assert await answer(client, first, yes=True) is Outcome.ACCEPTED
    again = await client.until(lambda: in_place_of(client, first))
    assert again.state is SessionState.RUNNING
    assert await answer(client, second, yes=False) is Outcome.ACCEPTED
    await client.until(lambda: client.sessions[second.id].note == "left as it is")
    assert client.sessions[second.id].attention is Attention.EXITED
    await node.kill_agent()
    client = await node.connect()
    assert [client.sessions[lost.id].ask for lost in (first, second, third)] == [None] * 3  # `again` reads, and may ask
    assert len(client.sessions) == 4
    events = (await client.request(ListEvents(session=first.id))).events
    kinds = [event.kind for event in events if asks[0].id in str(event.data.get("ask"))]
    assert kinds.count(EventKind.ASK_OPENED) == kinds.count(EventKind.ASK_CLOSED) == 1


async def test_it_is_restarted_once_though_the_agent_is_killed_over_it(node: Node) -> None:
    client = await node.connect()
    lost = [await client.start("cat", restart=Restart.AUTO) for _ in range(4)]
    await crash(node, "second boot")
    for _ in range(2):
        await node.kill_agent()
    client = await node.connect()
    again = [await client.until(lambda: in_place_of(client, session)) for session in lost]  # noqa: B023 - awaited here
    assert len({session.id for session in again}) == 4
    assert len(client.sessions) == 8


async def test_what_cannot_be_started_again_is_asked_about(node: Node, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    client = await node.connect()
    lost = await client.start("cat", restart=Restart.AUTO, cwd=str(place))
    place.rmdir()
    client = await crash(node)
    ask = await client.until(lambda: client.sessions[lost.id].ask)
    assert "it could not be started: there is no directory" in ask.excerpt
    assert await answer(client, lost, yes=True) is Outcome.REFUSED
    assert client.sessions[lost.id].ask is not None


async def test_one_that_is_lost_again_at_once_is_asked_about(node: Node) -> None:
    client = await node.connect()
    first = await client.start("cat", restart=Restart.AUTO)
    client = await crash(node)
    second = await client.until(lambda: in_place_of(client, first))
    client = await crash(node)
    assert (await client.until(lambda: client.sessions[second.id].ask)).rule == "restart"
