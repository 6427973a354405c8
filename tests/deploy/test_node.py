"""A real node and its deploys: what is listed runs, and a client of the deploy socket can do nothing else."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from node_agent.protocol.codec import from_wire
from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.events import EventList, ListEvents, Subscribe
from node_agent.protocol.hello import Hello
from node_agent.protocol.jobs import Fenced, FenceJob, JobOutput, ReadJobOutput
from node_agent.protocol.logs import LogLines, ReadLogs
from node_agent.protocol.message import Request
from node_agent.protocol.registry import REQUESTS
from node_agent.protocol.sessions import ListSessions, StartSession, StopSession, UpdateSession
from node_agent.protocol.states import EventKind
from tests.client import Client
from tests.harness import Node, running_node

LIST = """
[api]
cwd = "/tmp"
env = { STAGE = "live" }
steps = [
  ["sh", "-c", "echo $STAGE in $PWD; echo built=7 >$RELAY_OUTPUT"],
  ["sleep", "600"],
  ["echo", "{version}"],
]
values = { version = "v[0-9]+" }
"""

GREET = ("sh", "-c", "echo $STAGE in $PWD; echo built=7 >$RELAY_OUTPUT")
FOLLOWING = {Hello, Subscribe, ListSessions, StartSession, StopSession, ReadLogs, FenceJob, ReadJobOutput}
"""The requests that starting a deploy and following it to its end takes."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    listed = tmp_path / "deploy.toml"
    listed.write_text(LIST)
    listed.chmod(0o600)
    tmp_path.chmod(0o700)
    async with running_node(tmp_path, env={"RELAY_DEPLOYS": str(listed)}) as node:
        yield node


async def restricted(node: Node) -> Client:
    """A client that came through a key for deploys."""
    client = Client()
    await client.open(node.paths.deploy_socket)
    node.adopt_client(client)
    await client.hello("robot")
    return client


def attempt(*command: str, job: str = "d1", token: int = 1, **fields: Any) -> StartSession:
    return StartSession("", command, job=job, token=token, deploy="api", **fields)


async def started(client: Client, request: StartSession) -> SessionInfo:
    session: SessionInfo = (await client.request(request)).session
    client.sessions.setdefault(session.id, session)
    return session


async def refusal(client: Client, request: Request) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await client.request(request)
    return caught.value


async def refusals(node: Node) -> list[dict[str, Any]]:
    client = await node.connect()
    events: EventList = await client.request(ListEvents())
    return [event.data for event in events.events if event.kind is EventKind.DEPLOY_REFUSED]


async def test_a_listed_command_runs_where_and_as_its_owner_says(node: Node) -> None:
    client = await node.connect()
    session = await started(client, attempt(*GREET))
    assert session.tags == ("deploy:api",)
    await client.ended(session.id)
    logs: LogLines = await client.request(ReadLogs(session.id))
    assert logs.lines == ("live in /tmp",)
    output: JobOutput = await client.request(ReadJobOutput("d1", 1))
    assert output.text == "built=7\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"command": ("sleep", "601")}, "no step"),
        ({"command": ("echo", "--help")}, "no step"),
        ({"command": ()}, "no step"),
        ({"deploy": "web"}, "no deploy 'web'"),
        ({"cwd": "/"}, "directory and environment"),
        ({"env": {"PATH": "/tmp/mine"}}, "directory and environment"),
        ({"env": {"LD_PRELOAD": "/tmp/x.so"}}, "directory and environment"),
        ({"base_env": {}}, "directory and environment"),
        ({"bare": True}, "directory and environment"),
    ],
)
async def test_what_is_not_listed_is_refused_and_recorded(node: Node, change: dict[str, Any], words: str) -> None:
    client = await node.connect("mallory")
    error = await refusal(client, dataclasses.replace(attempt("sleep", "600"), **change))
    assert error.code is ErrorCode.FORBIDDEN
    assert words in error.message
    (event,) = await refusals(node)
    assert (event["by"], event["deploy"]) == ("mallory", change.get("deploy", "api"))
    assert words in event["why"]
    assert "refused" in node.log()
    assert (await client.request(ListSessions())).sessions == ()


async def test_the_list_counts_as_it_is_at_that_moment(node: Node, tmp_path: Path) -> None:
    client = await node.connect()
    listed = tmp_path / "deploy.toml"
    listed.chmod(0o666)
    assert "chmod go-w" in (await refusal(client, attempt("sleep", "600"))).message
    listed.chmod(0o600)
    await started(client, attempt("sleep", "600"))
    listed.unlink()
    assert "its owner writes there" in (await refusal(client, attempt("sleep", "600", job="d2"))).message


async def test_nobody_makes_a_session_look_like_a_deploy(node: Node) -> None:
    client = await node.connect()
    with pytest.raises(RequestError, match="is for deploys"):
        await client.start("sleep", "600", tags=("deploy:api",))
    session = await client.start("sleep", "600")
    assert (await refusal(client, UpdateSession(session.id, tags=("deploy:api",)))).code is ErrorCode.BAD_REQUEST
    deployed = await started(client, attempt("sleep", "600"))
    assert (await refusal(client, UpdateSession(deployed.id, tags=()))).code is ErrorCode.BAD_REQUEST
    await client.request(UpdateSession(deployed.id, tags=("deploy:api", "watched")))


async def test_a_restricted_client_starts_follows_and_stops_a_deploy(node: Node) -> None:
    client = await restricted(node)
    quick = await started(client, attempt(*GREET))
    await client.ended(quick.id)
    assert (await client.request(ReadLogs(quick.id))).lines == ("live in /tmp",)
    assert (await client.request(ReadJobOutput("d1", 1))).text == "built=7\n"
    long = await started(client, attempt("sleep", "600", job="d2"))
    await client.request(StopSession(long.id))
    await client.ended(long.id)
    fenced: Fenced = await client.request(FenceJob("d3", 1))
    assert not fenced.started


async def test_a_restricted_client_is_refused_every_other_request(node: Node) -> None:
    """Also those that are added to the protocol one day: what follows a deploy is named, not what does not."""
    full, client = await node.connect(), await restricted(node)
    mine = await full.start("sleep", "600")
    kinds = [kind for kind in REQUESTS.values() if kind not in FOLLOWING]
    codes = {kind.op: (await refusal(client, example(kind, mine.id))).code for kind in kinds}
    assert set(codes.values()) == {ErrorCode.FORBIDDEN}, codes
    assert len(codes) == len(REQUESTS) - len(FOLLOWING)


async def test_a_restricted_client_learns_nothing_of_other_sessions(node: Node) -> None:
    full, client = await node.connect(), await restricted(node)
    secret = await full.start("sh", "-c", "echo hush; sleep 600", title="secret plan")
    job = await started(full, StartSession("", ("sleep", "600"), job="mine", token=1, bare=True))
    deployed = await started(full, attempt("sleep", "600"))
    seen = await client.until(lambda: client.sessions)
    assert set(seen) == {deployed.id}
    assert {session.id for session in (await client.request(ListSessions())).sessions} == {deployed.id}
    again = await restricted(node)
    assert set(again.sessions) == {deployed.id}
    await client.subscribe()
    for request in (
        ReadLogs(secret.id),
        StopSession(secret.id),
        ReadLogs(job.id),
        FenceJob("mine", 1),
        ReadJobOutput("mine", 1),
        ReadJobOutput("nobody", 1),
        StartSession("", ("sleep", "600"), job="mine", token=1, deploy="api"),
        StartSession("r1", ("sleep", "600")),
        StartSession("", ("sleep", "600"), job="d9", token=1),
    ):
        assert (await refusal(client, request)).code is ErrorCode.FORBIDDEN, request
    await full.request(StopSession(secret.id))
    await full.ended(secret.id)
    assert not client.events
    assert set(client.sessions) == {deployed.id}


async def test_refusals_cannot_fill_the_store(node: Node) -> None:
    client = await restricted(node)
    for number in range(80):
        await refusal(client, attempt("rm", str(number)))
    assert len(await refusals(node)) == 60


def example(kind: type[Request], session: str) -> Request:
    """A request of this kind, about `session` where it is about one."""
    values = _values(kind)
    if "session" in values:
        values["session"] = session
    return from_wire(kind, values)


def _values(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    fields = [field for field in dataclasses.fields(kind) if field.default is field.default_factory]  # both missing
    return {field.name: _value(hints[field.name]) for field in fields}


def _value(hint: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if dataclasses.is_dataclass(hint):
        return _values(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint)).value
    return {str: "x", int: 1, float: 1.0, bool: True}.get(hint, [])
