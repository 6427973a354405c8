"""Files of attempts on a real node: whole or not at all, where the submitter said, and not under a running job."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.files import MOST_BYTES, GetFile, PutFile
from node_agent.protocol.frames import MAX_BYTES_FRAME
from node_agent.protocol.sessions import StartSession
from tests.client import Client, Stream
from tests.harness import Node, running_node
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

SOME = bytes(range(256)) * 1024  # four frames


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path) as node:
        yield node


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


def put_request(work: Path, data: bytes, path: str = "in.bin", **options: Any) -> PutFile:
    sha256 = hashlib.sha256(data).hexdigest()
    values: dict[str, Any] = {
        "job": "j1",
        "token": 1,
        "path": path,
        "size": len(data),
        "sha256": sha256,
        "directory": str(work),
    }
    return PutFile(**(values | options))


async def put(client: Client, request: PutFile, data: bytes) -> dict[str, Any]:
    """Send all of it; how it was refused, {} where it was not."""
    stream = await open_stream(client, request)
    pieces = [data[at : at + MAX_BYTES_FRAME] for at in range(0, len(data), MAX_BYTES_FRAME)] or [b""]
    for number, piece in enumerate(pieces, 1):
        client.type(stream, number, piece)
    await client.until(lambda: stream.end is not None)
    acks = {number: ack for (of, number), ack in client.input_acks.items() if of == stream.number}
    refused = next((ack for ack in acks.values() if "code" in ack), {})
    assert refused or acks.keys() == set(range(1, len(pieces) + 1))
    return refused


async def open_stream(client: Client, request: PutFile | GetFile) -> Stream:
    return client.opened(await client.request(request))


async def get(client: Client, work: Path, path: str, offset: int = 0) -> tuple[bytes, Stream]:
    stream = await open_stream(client, GetFile("j1", 1, path, str(work), offset))
    await client.until(lambda: stream.end is not None)
    return stream.data, stream


def parts(directory: Path) -> list[Path]:
    return list(directory.rglob("*.part"))


@pytest.mark.parametrize("data", [SOME, b"x", b""])
async def test_a_file_goes_there_and_comes_back(node: Node, work: Path, data: bytes) -> None:
    client = await node.connect()
    assert await put(client, put_request(work, data, "deep/er/in.bin", executable=True), data) == {}
    placed = work / "deep/er/in.bin"
    assert placed.read_bytes() == data
    assert placed.stat().st_mode & 0o777 == 0o700
    found, stream = await get(client, work, "deep/er/in.bin")
    opened: Any = stream.opened
    assert (found, opened.head, opened.executable) == (data, len(data), True)
    assert opened.sha256 == hashlib.sha256(data).hexdigest()
    assert (await get(client, work, "deep/er/in.bin", offset=len(data) // 2))[0] == data[len(data) // 2 :]
    assert not parts(work)


async def test_what_is_not_as_announced_never_appears(node: Node, work: Path) -> None:
    client = await node.connect()
    (work / "in.bin").write_bytes(b"before")
    wrong = await put(client, put_request(work, SOME, sha256="0" * 64), SOME)
    assert wrong["code"] == ErrorCode.BAD_REQUEST
    longer = await put(client, put_request(work, SOME[:-1]), SOME)
    assert longer["code"] == ErrorCode.BAD_REQUEST
    assert (work / "in.bin").read_bytes() == b"before"
    await eventually(lambda: not parts(work))


async def test_a_client_that_goes_in_the_middle_leaves_nothing(node: Node, work: Path) -> None:
    client = await node.connect()
    stream = await open_stream(client, put_request(work, SOME))
    client.type(stream, 1, SOME[:100])
    await client.until(lambda: (stream.number, 1) in client.input_acks)
    assert parts(work)
    await client.close()
    await eventually(lambda: not parts(work))
    assert not (work / "in.bin").exists()


async def test_a_killed_agent_leaves_no_file_and_the_next_takes_it_anew(node: Node, work: Path) -> None:
    client = await node.connect()
    stream = await open_stream(client, put_request(work, SOME))
    client.type(stream, 1, SOME[:100])
    await client.until(lambda: (stream.number, 1) in client.input_acks)
    await node.kill_agent()
    assert not (work / "in.bin").exists()
    (left_over,) = parts(work)
    os.utime(left_over, (0, 0))
    client = await node.connect()
    assert await put(client, put_request(work, SOME), SOME) == {}
    assert (work / "in.bin").read_bytes() == SOME
    assert not parts(work)


async def test_an_attempt_that_runs_keeps_its_files_as_they_are(node: Node, work: Path) -> None:
    client = await node.connect()
    late = await open_stream(client, put_request(work, b"late"))
    await client.request(StartSession("", ("sleep", "600"), cwd=str(work), bare=True, job="j1", token=1))
    assert (await client.request(put_request(work, b"later"))).stream == 0
    client.type(late, 1, b"late")
    await client.until(lambda: late.end is not None)
    assert list(work.iterdir()) == []
    with pytest.raises(RequestError) as caught:
        await client.request(put_request(work, b"next attempt's", token=2))
    assert caught.value.code is ErrorCode.STILL_RUNNING


async def test_an_outdated_attempt_places_nothing(node: Node, work: Path) -> None:
    client = await node.connect()
    assert await put(client, put_request(work, b"new", token=5), b"new") == {}
    with pytest.raises(RequestError) as caught:
        await client.request(put_request(work, b"old", token=4))
    assert caught.value.code is ErrorCode.REFUSED
    assert (work / "in.bin").read_bytes() == b"new"


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", "link/out", "", "in/", "a\0b", "deep/../../../etc/passwd"], ids=repr
)
async def test_a_relative_path_stays_in_the_directory(node: Node, work: Path, tmp_path: Path, path: str) -> None:
    (work / "link").symlink_to(tmp_path)
    (tmp_path / "out").write_text("somebody's")
    client = await node.connect()
    for request in (put_request(work, b"x", path), GetFile("j1", 1, path, str(work))):
        with pytest.raises(RequestError) as caught:
            await client.request(request)
        assert caught.value.code is ErrorCode.BAD_REQUEST
    assert (tmp_path / "out").read_text() == "somebody's"


async def test_a_whole_path_was_declared_and_leads_where_it_says(node: Node, work: Path, tmp_path: Path) -> None:
    client = await node.connect()
    assert await put(client, put_request(work, SOME, str(tmp_path / "far" / "x")), SOME) == {}
    assert (tmp_path / "far" / "x").read_bytes() == SOME
    assert (await get(client, work, "~/far/x"))[0] == SOME  # the node's home is there


async def test_what_is_no_file_is_refused_at_once(node: Node, work: Path) -> None:
    os.mkfifo(work / "pipe")  # opening it the usual way would wait for ever
    (work / "directory").mkdir()
    (work / "self").symlink_to(work / "self")
    client = await node.connect()
    for path, code in (
        ("pipe", ErrorCode.NO_FILE),
        ("directory", ErrorCode.NO_FILE),
        ("none", ErrorCode.NO_FILE),
        ("self", ErrorCode.BAD_REQUEST),
    ):
        with pytest.raises(RequestError) as caught:
            await client.request(GetFile("j1", 1, path, str(work)))
        assert caught.value.code is code, path
    with pytest.raises(RequestError) as caught:
        await client.request(GetFile("j1", 1, "x", str(work / "nowhere")))
    assert caught.value.code is ErrorCode.CWD_MISSING
    for request in (
        put_request(work, b"", size=MOST_BYTES + 1),
        put_request(work, b"", size=-1),
        put_request(work, b"", token=0),
        put_request(work, b"", job="../j"),
    ):
        with pytest.raises(RequestError) as caught:
            await client.request(request)
        assert caught.value.code is ErrorCode.BAD_REQUEST
    assert await put(client, put_request(work, b"x", "directory"), b"x") != {}


async def test_a_file_that_grows_meanwhile_is_sent_as_it_was(node: Node, work: Path) -> None:
    client = await node.connect()
    client.acks = False
    (work / "log").write_bytes(SOME)
    stream = await open_stream(client, GetFile("j1", 1, "log", str(work), window=1))
    await client.until(lambda: stream.data)
    with (work / "log").open("ab") as log:
        log.write(b"more")
    client.acks = True
    client.ack(stream, len(stream.data))
    await client.until(lambda: stream.end is not None)
    assert stream.data == SOME


async def test_an_attempt_without_a_directory_has_one_of_its_own(node: Node) -> None:
    client = await node.connect()
    request = put_request(Path(), SOME, directory="")
    assert await put(client, request, SOME) == {}
    session = (
        await client.request(
            StartSession("", ("sh", "-c", "wc -c <in.bin >out"), bare=True, job="j1", token=1, own_directory=True)
        )
    ).session
    await client.ended(session.id)
    stream = await open_stream(client, GetFile("j1", 1, "out"))
    await client.until(lambda: stream.end is not None)
    assert stream.data.split() == [str(len(SOME)).encode()]


async def test_files_and_command_agree_on_a_relative_directory(node: Node, work: Path) -> None:
    client = await node.connect()
    assert await put(client, put_request(work, SOME, directory=work.name), SOME) == {}
    command = ("sh", "-c", "wc -c <in.bin >out")
    session = (await client.request(StartSession("", command, cwd=work.name, bare=True, job="j1", token=1))).session
    await client.ended(session.id)
    assert (work / "out").read_text().split() == [str(len(SOME))]


async def test_what_attempts_left_goes_some_time_after_their_sessions(node: Node) -> None:
    client = await node.connect()
    for job in ("gone", "there"):
        assert await put(client, put_request(Path(), b"x", job=job, directory=""), b"x") == {}
    await client.request(StartSession("", ("sleep", "600"), bare=True, job="there", token=1, own_directory=True))
    (gone,) = node.paths.state.glob("jobs/gone-1*")
    (there,) = node.paths.state.glob("jobs/there-1*")
    for path in (gone, there):
        os.utime(path, (0, 0))
    await node.kill_agent()  # the next one looks after it from its start on
    await eventually(lambda: not gone.exists())
    assert (there / "in.bin").read_bytes() == b"x"
