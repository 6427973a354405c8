"""Records the wire as this release speaks it: `python -m tests.golden.record VERSION`, once a protocol version.

The files are frozen with the release: what is in them was sent by programs that are out there.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from node_agent.protocol.codec import to_wire
from node_agent.protocol.events import ListEvents, Subscribe
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame, encode_json
from node_agent.protocol.hello import Hello
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.message import Request
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import ListSessions, StartSession, StopSession, UpdateSession
from node_agent.protocol.streams import CloseStream, OpenBytes, WatchScreen
from node_agent.protocol.version import MAGIC, preamble
from tests.golden.schema import enums, schema
from tests.harness import running_node

DIRECTORY = Path(__file__).parent
FIRST = SessionId("s1")
"""The id of the first session of a node."""

CONVERSATION: tuple[Request, ...] = (
    Hello("console", "ann@desk", "0.1.0", watch=True),
    Subscribe(StoreId(""), 0),
    StartSession("golden 1", ("cat",), bare=True, env={"GOLDEN": "yes"}, columns=40, rows=5, title="t", tags=("x",)),
    ListSessions(),
    WatchScreen(FIRST, 0.0),
    SendInput(FIRST, "golden 2", (Chunk(text="apple"), Chunk(key="enter"), Chunk(data="70656172"))),
    OpenBytes(FIRST, "follow", 0),
    CloseStream(2),
    UpdateSession(FIRST, title="renamed", tags=()),
    ReadLogs(FIRST, tail=5),
    ListEvents(),
    StopSession(FIRST, 1.0),
)


async def main(version: str) -> None:
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as directory:
        async with running_node(Path(directory)) as node:
            lines = await _converse(node.paths.agent_socket)
    (DIRECTORY / f"v{version}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    frozen = {"messages": schema(), "enums": enums()}
    (DIRECTORY / f"v{version}.json").write_text(json.dumps(frozen, indent=1) + "\n")


async def _converse(socket: Path) -> list[dict[str, Any]]:
    """What either side sends, in order; requests one after the other."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    lines: list[dict[str, Any]] = []
    decoder = FrameDecoder()
    waiting: list[Frame] = []

    def send(data: bytes) -> None:
        lines.append({"from": "client", "bytes": data.hex()})
        writer.write(data)

    greeting = await reader.readline()
    assert greeting.startswith(MAGIC)
    lines.append({"from": "node", "bytes": greeting.hex()})
    send(preamble())
    for number, request in enumerate(CONVERSATION, 1):
        send(encode_json(FrameType.REQUEST, {"op": request.op, **to_wire(request)}, number=number))
        while True:
            while not waiting:
                waiting += decoder.feed(await asyncio.wait_for(reader.read(65536), 20))
            frame = waiting.pop(0)
            lines.append({"from": "node", "bytes": encode_frame(*frame).hex()})
            if frame.type is FrameType.SCREEN:
                send(encode_frame(FrameType.ACK, frame.stream, frame.number))
            elif frame.type is FrameType.PING:
                send(encode_frame(FrameType.PONG, number=frame.number))
            elif frame.type is FrameType.REFUSAL:
                raise SystemExit(f"{request.op} was refused: {frame.payload.decode()}")
            elif frame.type is FrameType.REPLY and frame.number == number:
                break
    writer.close()
    await writer.wait_closed()
    return lines


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
