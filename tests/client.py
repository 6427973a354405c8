"""A client as plain as can be, which keeps all that a node sends it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import EventRecord, ExitInfo, SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.events import Subscribe, Subscribed
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame, encode_json
from node_agent.protocol.hello import Hello, HelloReply
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.message import Request
from node_agent.protocol.notices import Notice, SessionChanged, SessionGone, parse_notice
from node_agent.protocol.sessions import SessionReply, StartSession
from node_agent.protocol.streams import OpenBytes, StreamOpened, WatchScreen
from node_agent.protocol.version import PreambleReader, preamble
from node_agent.terminal.delta import ScreenModel, apply_delta
from tests.waiting import LIMIT

T = TypeVar("T")
_requests = itertools.count(1)


class Stream:
    """What came on one stream: its frames, and the bytes of them that make a terminal's input."""

    def __init__(self, opened: StreamOpened) -> None:
        self.number = opened.stream
        self.opened = opened
        self.frames: list[Frame] = []
        self.screen = ScreenModel()
        self.end: str | None = None

    def of(self, kind: FrameType) -> list[Frame]:
        return [frame for frame in self.frames if frame.type is kind]

    @property
    def data(self) -> bytes:
        """The journal's bytes that were sent."""
        return b"".join(frame.payload for frame in self.of(FrameType.BYTES))

    @property
    def text(self) -> str:
        """The watched screen as text."""
        return "\n".join("".join(str(span[0]) for span in row) for row in self.screen.rows).rstrip()


class Client:
    """A client as plain as can be. Frames of streams are acked as they come unless `acks` is False."""

    def __init__(self) -> None:
        self.acks = True
        self.node: HelloReply | None = None
        self.sessions: dict[SessionId, SessionInfo] = {}
        self.notices: list[Notice] = []
        self.events: list[EventRecord] = []
        self.streams: dict[int, Stream] = {}
        self.input_acks: dict[tuple[int, int], dict[str, Any]] = {}
        self.is_closed = False
        self._early: dict[int, list[Frame]] = {}
        self._replies: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self, socket: Path) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(str(socket))
        self._writer.write(preamble())
        self._task = asyncio.create_task(self._read())

    def stop_reading(self) -> None:
        """Stay connected and take nothing more."""
        assert self._task is not None
        self._task.cancel()

    async def close(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        await asyncio.sleep(0)  # a transport that had failed lets go of its socket one turn later

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def until(self, fact: Callable[[], T | None], limit: float = LIMIT) -> T:
        """What `fact` returns once it is true; looked at whenever something came."""
        deadline = asyncio.get_running_loop().time() + limit
        while not (found := fact()):
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, f"not within {limit} s"
            self._news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 0.5))
        return found

    # -- requests -------------------------------------------------------------------------------------------------

    async def request(self, request: Request, limit: float = LIMIT) -> Any:
        """The typed reply; raises RequestError as the node refused it."""
        frame = await self.raw_request({"op": request.op, **to_wire(request)}, limit)
        body = frame.json()
        if frame.type is FrameType.REFUSAL:
            raise RequestError(ErrorCode(body["code"]), body["message"])
        return from_wire(request.reply, body)

    async def raw_request(self, body: dict[str, Any], limit: float = LIMIT) -> Frame:
        self._last += 1
        number = self._last
        self._replies[number] = asyncio.get_running_loop().create_future()
        self.write(encode_json(FrameType.REQUEST, body, number=number))
        return await asyncio.wait_for(self._replies[number], limit)

    async def hello(self, operator: str = "ann", *, watch: bool = True) -> HelloReply:
        reply: HelloReply = await self.request(Hello("test", operator, "0", watch))
        self.node = reply
        self.sessions = {session.id: session for session in reply.sessions} | self.sessions
        return reply

    @property
    def last_event(self) -> int:
        """The number of the last event when the node was greeted."""
        assert self.node is not None
        return self.node.last_event

    async def start(self, *command: str, **options: Any) -> SessionInfo:
        """Start a session, bare unless told otherwise."""
        options.setdefault("bare", True)
        options.setdefault("request", f"test {os.getpid()} {next(_requests)}")
        reply: SessionReply = await self.request(StartSession(command=command, **options))
        self.sessions[reply.session.id] = reply.session
        return reply.session

    async def ended(self, session: SessionId) -> ExitInfo:
        """Wait until a session has ended; how."""
        return await self.until(lambda: self.sessions[session].exit)

    async def subscribe(self, store: str = "", after: int = 0) -> Subscribed:
        reply: Subscribed = await self.request(Subscribe(StoreId(store), after))
        return reply

    async def watch(self, session: SessionId, interval: float = 0.0, history: int = 0) -> Stream:
        return self.opened(await self.request(WatchScreen(session, interval, history)))

    async def open_bytes(self, session: SessionId, mode: str, **options: Any) -> Stream:
        return self.opened(await self.request(OpenBytes(session, mode, **options)))

    def type(self, stream: Stream, number: int, data: bytes) -> None:
        """Input number `number` of an attached stream."""
        self.write(encode_frame(FrameType.INPUT, stream.number, number, data))

    def end(self, stream: Stream) -> None:
        """Close a stream from this side."""
        self.write(encode_json(FrameType.STREAM_END, {"reason": "done"}, stream.number))

    def ack(self, stream: Stream, number: int) -> None:
        self.write(encode_frame(FrameType.ACK, stream.number, number))

    def opened(self, opened: StreamOpened) -> Stream:
        """The stream that a reply has opened."""
        stream = self.streams[opened.stream] = Stream(opened)
        for frame in self._early.pop(stream.number, []):
            self._take_stream(frame)
        return stream

    async def _read(self) -> None:
        greeting, decoder = PreambleReader(), FrameDecoder()
        has_greeted = False
        try:
            while data := await self._reader.read(256 * 1024):
                if not has_greeted:
                    if greeting.feed(data) is None:
                        continue
                    has_greeted, data = True, greeting.rest
                for frame in decoder.feed(data):
                    self._take(frame)
                self._news.set()
        except OSError:
            pass
        self.is_closed = True
        self._news.set()

    def _take(self, frame: Frame) -> None:
        if frame.type in (FrameType.REPLY, FrameType.REFUSAL):
            reply = self._replies.pop(frame.number)
            if not reply.done():
                reply.set_result(frame)
        elif frame.type is FrameType.EVENT:
            self.events.append(from_wire(EventRecord, frame.json()))
        elif frame.type is FrameType.NOTICE:
            self._take_notice(parse_notice(frame.json()))
        elif frame.type is FrameType.PING:
            self.write(encode_frame(FrameType.PONG, number=frame.number))
        elif frame.type is FrameType.INPUT_ACK:
            self.input_acks[frame.stream, frame.number] = frame.json()
        elif frame.stream:
            self._take_stream(frame)

    def _take_notice(self, notice: Notice | None) -> None:
        if notice is None:
            return
        self.notices.append(notice)
        if isinstance(notice, SessionChanged):
            self.sessions[notice.session.id] = notice.session
        elif isinstance(notice, SessionGone):
            self.sessions.pop(notice.session, None)

    def _take_stream(self, frame: Frame) -> None:
        stream = self.streams.get(frame.stream)
        if stream is None:
            self._early.setdefault(frame.stream, []).append(frame)
            return
        stream.frames.append(frame)
        if frame.type is FrameType.SCREEN:
            stream.screen = apply_delta(stream.screen, frame.json())
        elif frame.type is FrameType.STREAM_END:
            stream.end = str(frame.json().get("reason"))
        if self.acks and frame.type in (FrameType.SCREEN, FrameType.SNAPSHOT, FrameType.BYTES):
            end = frame.number + len(frame.payload) if frame.type is FrameType.BYTES else frame.number
            self.ack(stream, end)
