"""Attempts on a real node: each starts once, an outdated one never, and a fence's answer is true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.jobs import Fenced, FenceJob, ReadJobOutput
from node_agent.protocol.sessions import KillSession, ListSessions, RemoveSession, StartSession
from tests.client import Client
from tests.harness import Node, running_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path) as node:
        yield node


async def start(client: Client, token: int, *command: str, job: str = "j1") -> SessionInfo:
    request = StartSession("", command or ("sleep", "600"), bare=True, job=job, token=token)
    session: SessionInfo = (await client.request(request)).session
    return session


async def refusal(client: Client, token: int) -> ErrorCode:
    with pytest.raises(RequestError) as caught:
        await start(client, token)
    return caught.value.code


async def test_an_attempt_starts_once_however_often_it_is_asked_for(node: Node) -> None:
    client = await node.connect()
    sessions = await asyncio.gather(*(start(client, 7) for _ in range(5)))
    assert {session.id for session in sessions} == {sessions[0].id}
    assert (sessions[0].job, sessions[0].token) == ("j1", 7)
    await node.kill_agent()
    client = await node.connect()
    assert (await start(client, 7)).id == sessions[0].id
    assert len((await client.request(ListSessions())).sessions) == 1


async def test_of_a_job_one_attempt_runs_at_a_time_and_an_outdated_one_never_starts(node: Node) -> None:
    client = await node.connect()
    first = await start(client, 1)
    assert await refusal(client, 2) is ErrorCode.STILL_RUNNING
    await client.request(KillSession(first.id))
    await client.ended(first.id)
    second = await start(client, 3)
    assert second.id != first.id
    assert await refusal(client, 1) is ErrorCode.REFUSED
    assert (await start(client, 1, job="another")).job == "another"


async def test_a_fence_proves_that_an_attempt_never_ran(node: Node) -> None:
    client = await node.connect()
    assert await client.request(FenceJob("j1", 4)) == Fenced(started=False)
    assert await refusal(client, 4) is ErrorCode.REFUSED
    assert await refusal(client, 3) is ErrorCode.REFUSED
    await node.kill_agent()
    client = await node.connect()
    assert await refusal(client, 4) is ErrorCode.REFUSED
    session = await start(client, 5)
    fenced: Fenced = await client.request(FenceJob("j1", 5))
    assert fenced.session is not None
    assert (fenced.started, fenced.session.id) == (True, session.id)


async def test_an_attempt_whose_session_was_removed_does_not_start_again(node: Node) -> None:
    client = await node.connect()
    session = await start(client, 1, "true")
    await client.ended(session.id)
    await client.request(RemoveSession(session.id))
    assert await refusal(client, 1) is ErrorCode.NO_SESSION
    assert await client.request(FenceJob("j1", 1)) == Fenced(started=True)


async def test_an_attempt_leaves_values_for_others(node: Node) -> None:
    client = await node.connect()
    session = await start(client, 1, "sh", "-c", 'echo "job=$RELAY_JOB" >"$RELAY_OUTPUT"')
    await client.ended(session.id)
    assert (await client.request(ReadJobOutput("j1", 1))).text == "job=j1\n"
    assert (await client.request(ReadJobOutput("j1", 2))).text == ""


@pytest.mark.parametrize(
    "request_", [StartSession("job:j1:4"), StartSession("", job="../x", token=1), StartSession("", job="j", token=0)]
)
async def test_nobody_forges_an_attempt(node: Node, request_: StartSession) -> None:
    client = await node.connect()
    with pytest.raises(RequestError) as caught:
        await client.request(request_)
    assert caught.value.code is ErrorCode.BAD_REQUEST
