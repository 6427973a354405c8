"""A scripted agent: speaks the protocol from lists a test fills, over unix sockets, in the test's own process.

It stands where a test is about the link and not about the agent: every byte and event it sends is known.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from node_agent.protocol.codec import to_wire
from node_agent.protocol.entities import EventRecord, NodeInfo, ProcessInfo, SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.events import Subscribe, Subscribed
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame, encode_json
from node_agent.protocol.hello import Hello, HelloReply
from node_agent.protocol.ids import NodeUuid, SessionId, StoreId
from node_agent.protocol.message import Done, Request
from node_agent.protocol.notices import Notice, notice_to_wire
from node_agent.protocol.registry import parse_request
from node_agent.protocol.sessions import ListSessions, SessionList
from node_agent.protocol.states import Attention, EventKind, SessionState
from node_agent.protocol.streams import CloseStream, OpenBytes, StreamOpened, TuneScreen, WatchScreen
from node_agent.protocol.version import PreambleReader, Versions, preamble

SESSION = SessionId("a1")


def session(name: str = "a1", **fields: Any) -> SessionInfo:
    """A running session with what a test does not care about filled in."""
    values: dict[str, Any] = {
        "id": SessionId(name),
        "title": f"title of {name}",
        "command": ("sh",),
        "cwd": "/",
        "columns": 80,
        "rows": 24,
        "started": 1e9,
        "age": 10.0,
        "state": SessionState.RUNNING,
        "attention": Attention.WORKING,
        "attention_age": 5.0,
    }
    return SessionInfo(**(values | fields))


class ScriptedAgent:
    """One node. `silent` makes it read and never answer."""

    def __init__(self, socket: Path, uuid: str = "uuid-1") -> None:
        self.socket = socket
        self.uuid = uuid
        self.store = StoreId("store-1")
        self.sessions: list[SessionInfo] = [session()]
        self.events: list[EventRecord] = []
        self.journal = bytearray()
        self.screen_rows = ["hello"]
        self.received = b""
        self.requests: list[Request] = []
        self.ended: list[int] = []  # streams ended by a frame
        self.banner = b""
        self.versions = Versions()
        self.silent = False
        self.peers: set[Peer] = set()
        self.accepted = 0
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen on the unix socket and, for tests with a proxy between, on a TCP port."""
        tcp = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = tcp.sockets[0].getsockname()[1]
        self._servers = [await asyncio.start_unix_server(self._serve, self.socket, backlog=1024), tcp]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for peer in list(self.peers):
            await peer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        peer = Peer(self, reader, writer)
        self.peers.add(peer)
        try:
            await peer.run()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.peers.discard(peer)
            await peer.close()

    def add_event(self, **data: Any) -> None:
        record = EventRecord(len(self.events) + 1, EventKind.INPUT_SENT, 0.0, SESSION, data)
        self.events.append(record)
        self.poke()

    def append(self, data: bytes) -> None:
        self.journal += data
        self.poke()

    def notify(self, notice: Notice) -> None:
        for peer in self.peers:
            peer.send(encode_json(FrameType.NOTICE, notice_to_wire(notice)))

    def set_screen(self, *rows: str) -> None:
        self.screen_rows = list(rows)
        self.poke()

    def poke(self) -> None:
        for peer in self.peers:
            peer.pump()

    def acked(self, stream: int) -> int:
        """The offset up to which a stream's bytes were acknowledged."""
        return max((peer.acked(stream) for peer in self.peers), default=0)


class Peer:
    """One connection to the scripted agent."""

    def __init__(self, agent: ScriptedAgent, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.agent = agent
        self._reader = reader
        self._writer = writer
        self._event_cursor: int | None = None
        self._bytes: dict[int, list[int]] = {}  # stream: [sent, acked, window]
        self._screens: dict[int, tuple[list[str], bool]] = {}  # stream: rows sent last, one in flight
        self._streams = 0

    async def run(self) -> None:
        self._writer.write(self.agent.banner + preamble(self.agent.versions))
        hello = PreambleReader()
        while hello.feed(await self._read()) is None:
            pass
        decoder = FrameDecoder()
        data = hello.rest
        while True:
            for frame in decoder.feed(data):
                if not self.agent.silent:
                    self._on_frame(frame)
            data = await self._read()

    async def _read(self) -> bytes:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError
        return data

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, BrokenPipeError):
            pass

    def send(self, data: bytes) -> None:
        if not self.agent.silent:
            self._writer.write(data)

    def write_raw(self, data: bytes) -> None:
        """Send bytes as they are, also when the agent is silent."""
        self._writer.write(data)

    def _on_frame(self, frame: Frame) -> None:
        match frame.type:
            case FrameType.PING:
                self.send(encode_frame(FrameType.PONG, number=frame.number))
            case FrameType.REQUEST:
                self._on_request(frame)
            case FrameType.ACK if frame.stream in self._bytes:
                self._bytes[frame.stream][1] = frame.number
            case FrameType.ACK if frame.stream in self._screens:
                self._screens[frame.stream] = (self._screens[frame.stream][0], False)
            case FrameType.INPUT:
                self._on_input(frame)
            case FrameType.STREAM_END:
                self.agent.ended.append(frame.stream)
            case _:
                pass
        self.pump()

    def _on_input(self, frame: Frame) -> None:
        if b"\x00refuse" in frame.payload:
            refusal = {"code": ErrorCode.LEASE_HELD.value, "message": "ann holds the lease"}
            self.send(encode_json(FrameType.INPUT_ACK, refusal, frame.stream, frame.number))
            return
        self.agent.received += frame.payload
        self.send(encode_json(FrameType.INPUT_ACK, {}, frame.stream, frame.number))

    def _on_request(self, frame: Frame) -> None:
        try:
            request = parse_request(frame.json())
            self.agent.requests.append(request)
            reply = self._answer(request)
        except RequestError as error:
            refusal = {"code": error.code.value, "message": error.message}
            self.send(encode_json(FrameType.REFUSAL, refusal, number=frame.number))
            return
        self.send(encode_json(FrameType.REPLY, to_wire(reply), number=frame.number))

    def _answer(self, request: Request) -> Any:
        agent = self.agent
        match request:
            case Hello():
                process = ProcessInfo(1, "0")
                node = NodeInfo(NodeUuid(agent.uuid), agent.store, 1, process, process, "host", "user")
                return HelloReply(node, tuple(agent.sessions), len(agent.events))
            case Subscribe(store, after):
                reset = store != agent.store
                self._event_cursor = 0 if reset else after
                return Subscribed(agent.store, len(agent.events), reset)
            case ListSessions():
                return SessionList(tuple(agent.sessions))
            case OpenBytes():
                self._streams += 1
                start = request.offset or 0
                self._bytes[self._streams] = [start, start, request.window]
                return StreamOpened(self._streams, start, len(agent.journal), 80, 24, lease=True)
            case WatchScreen(name):
                if name not in {info.id for info in agent.sessions}:
                    raise RequestError(ErrorCode.NO_SESSION, f"no session {name}")
                self._streams += 1
                self._screens[self._streams] = ([], False)
                return StreamOpened(self._streams)
            case TuneScreen():
                return Done()
            case CloseStream(stream):
                self._bytes.pop(stream, None)
                self._screens.pop(stream, None)
                return Done()
            case _:
                raise RequestError(ErrorCode.UNKNOWN_OP, f"not scripted: {request.op}")

    def acked(self, stream: int) -> int:
        return self._bytes[stream][1] if stream in self._bytes else 0

    def pump(self) -> None:
        """Send what is due on each stream: events, bytes within the window, one screen at a time."""
        agent = self.agent
        if self._event_cursor is not None:
            for record in agent.events[self._event_cursor :]:
                self.send(encode_json(FrameType.EVENT, to_wire(record), number=record.n))
            self._event_cursor = len(agent.events)
        for stream, state in self._bytes.items():
            sent, acked, window = state
            while sent < len(agent.journal) and sent - acked < window:
                piece = bytes(agent.journal[sent : sent + min(16384, window - (sent - acked))])
                self.send(encode_frame(FrameType.BYTES, stream, sent, piece))
                sent += len(piece)
            state[0] = sent
        for stream, (rows, in_flight) in list(self._screens.items()):
            if not in_flight and rows != agent.screen_rows:
                delta: dict[str, Any] = {"rows": [[y, [[text, ""]]] for y, text in enumerate(agent.screen_rows)]}
                if not rows:
                    delta["size"] = [80, 24]
                self.send(encode_json(FrameType.SCREEN, delta, stream, 1))
                self._screens[stream] = (list(agent.screen_rows), True)


@asynccontextmanager
async def scripted_agent(directory: Path, uuid: str = "uuid-1") -> AsyncIterator[ScriptedAgent]:
    """A scripted agent listening at `directory/agent.sock`, ended at the end."""
    agent = ScriptedAgent(directory / "agent.sock", uuid)
    await agent.start()
    try:
        yield agent
    finally:
        await agent.stop()


_COMMAND = """#!{python}
import json, os, select, socket, sys
if sys.argv[1] == "probe":
    print(json.dumps({{"version": "0", "socket": {socket!r}, "pid": {pid}}}))
elif sys.argv[1] == "bridge":
    peer = socket.socket(socket.AF_UNIX)
    peer.connect({socket!r})
    while True:
        ready = select.select([0, peer], [], [])[0]
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                break
            peer.sendall(data)
        if peer in ready:
            data = peer.recv(65536)
            if not data:
                break
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
"""


def write_agent_command(path: Path, socket: Path, pid: str = "4711") -> Path:
    """A `node-agent` program that reports and bridges to a scripted agent's socket; `pid` is a Python expression."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_COMMAND.format(python=sys.executable, socket=os.fspath(socket), pid=pid))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
