"""What released programs send is understood for ever: old consoles by new agents, old agents by new consoles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.codec import from_wire
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame
from node_agent.protocol.notices import parse_notice
from node_agent.protocol.registry import parse_request
from node_agent.protocol.version import PROTOCOL_MAX, PROTOCOL_MIN, PreambleReader
from relaytui.config import NodeConfig, Transport
from relaytui.link.connect import open_node
from tests.golden.record import CONVERSATION, FIRST
from tests.golden.schema import enums, schema
from tests.harness import running_node
from tests.waiting import LIMIT

HERE = Path(__file__).parent
VERSIONS = range(PROTOCOL_MIN, PROTOCOL_MAX + 1)


def spoken(version: int) -> list[tuple[str, bytes]]:
    lines = (HERE / f"v{version}.jsonl").read_text().splitlines()
    return [(item["from"], bytes.fromhex(item["bytes"])) for item in map(json.loads, lines)]


def frames(version: int, side: str) -> list[Frame]:
    """All frames one side sent after its preamble."""
    decoder = FrameDecoder()
    _, *sent = [data for sender, data in spoken(version) if sender == side]
    return [frame for data in sent for frame in decoder.feed(data)]


def frozen(version: int) -> Any:
    return json.loads((HERE / f"v{version}.json").read_text())


@pytest.mark.parametrize("version", VERSIONS)
def test_no_field_of_a_released_message_changed(version: int) -> None:
    """Fields may be added where they have a default; none goes, changes its type or its default."""
    now = schema()
    for name, fields in frozen(version)["messages"].items():
        assert {key: now[name].get(key) for key in fields} == fields, name
        added = {key: field for key, field in now[name].items() if key not in fields}
        assert all("default" in field for field in added.values()), name


@pytest.mark.parametrize("version", VERSIONS)
def test_no_value_of_a_released_enumeration_went(version: int) -> None:
    now = enums()
    for name, values in frozen(version)["enums"].items():
        assert set(values) <= set(now[name]), name


@pytest.mark.parametrize("version", VERSIONS)
def test_what_either_side_sent_can_be_read(version: int) -> None:
    requests = {frame.number: frame.json() for frame in frames(version, "client") if frame.type is FrameType.REQUEST}
    parsed = [parse_request(data) for data in requests.values()]
    assert parsed == list(CONVERSATION)
    for frame in frames(version, "node"):
        if frame.type is FrameType.REPLY:
            from_wire(parsed[frame.number - 1].reply, frame.json())
        elif frame.type is FrameType.NOTICE:
            assert parse_notice(frame.json()) is not None


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_old_console_is_served(version: int, tmp_path: Path) -> None:
    """Every request it sends is answered with what it reads: the fields of old are there."""
    async with running_node(tmp_path) as node:
        reader, writer = await asyncio.open_unix_connection(str(node.paths.agent_socket))
        try:
            assert PreambleReader().feed(await reader.readline()) is not None
            decoder = FrameDecoder()
            replies: dict[int, Frame] = {}
            for sender, data in spoken(version):
                if sender != "client":
                    continue
                writer.write(data)
                for asked in FrameDecoder().feed(data) if not data.startswith(b"RELAYTUI") else ():
                    while asked.type is FrameType.REQUEST and asked.number not in replies:
                        for frame in decoder.feed(await asyncio.wait_for(reader.read(65536), LIMIT)):
                            assert frame.type is not FrameType.REFUSAL, frame.payload
                            if frame.type is FrameType.REPLY:
                                replies[frame.number] = frame
        finally:
            writer.close()
            await writer.wait_closed()
    for old in frames(version, "node"):
        if old.type is FrameType.REPLY:
            missing = old.json().keys() - replies[old.number].json().keys()
            assert not missing, CONVERSATION[old.number - 1].op


@pytest.fixture
async def old_agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NodeConfig]:
    """A socket that says what the agent of a released version said."""
    version: int = request.param
    told = spoken(version)
    answers = {frame.number: frame for frame in frames(version, "node") if frame.type is FrameType.REPLY}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(data for sender, data in told if sender == "node"))
        await reader.readline()
        decoder = FrameDecoder()
        while data := await reader.read(65536):
            for frame in decoder.feed(data):
                if frame.type is FrameType.REQUEST:
                    op = frame.json()["op"]
                    number = next(n for n, item in enumerate(CONVERSATION, 1) if item.op == op)
                    writer.write(encode_frame(FrameType.REPLY, 0, frame.number, answers[number].payload))
                    for notice in frames(version, "node"):
                        if notice.type is FrameType.NOTICE:
                            writer.write(encode_frame(*notice))
        writer.close()

    path = tmp_path / "old.sock"
    server = await asyncio.start_unix_server(serve, str(path))
    yield NodeConfig("old", transport=Transport.UNIX, socket=str(path))
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("old_agent", VERSIONS, indirect=True)
async def test_an_old_agent_is_understood(old_agent: NodeConfig) -> None:
    async with open_node(old_agent, operator="ann") as client:
        assert client.hello is not None
        assert client.hello.node.agent.version == "0.1.0"
        for request in CONVERSATION[3:4] + CONVERSATION[8:]:
            reply = await client.request(request)
            assert isinstance(reply, request.reply)
        listed = await client.request(CONVERSATION[3])
        assert [session.id for session in listed.sessions] == [FIRST]
