"""One connection to a node's agent: versions, requests and their replies, notices, events, streams, pings.

It works over any duplex byte stream and knows nothing of what carries it or of reconnecting. A connection opens with
the agent's preamble, ours, then `hello`; from then on frames go both ways until either side ends it. Whatever breaks
the protocol ends this connection alone.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import node_agent
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import EventRecord, NodeInfo
from node_agent.protocol.errors import ErrorCode, RemoteProtocolError, RequestError
from node_agent.protocol.events import Subscribe, Subscribed
from node_agent.protocol.files import FileOpened, GetFile, PutFile
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame, encode_json
from node_agent.protocol.hello import Hello, HelloReply
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.message import Request
from node_agent.protocol.notices import Notice, parse_notice
from node_agent.protocol.states import EventKind
from node_agent.protocol.streams import CloseStream, OpenBytes, StreamOpened, WatchScreen
from relaytui.link.duplex import Duplex, HandsOn
from relaytui.link.errors import (
    AgentUnreachable,
    LinkError,
    LinkLost,
    ProtocolBroken,
    RequestTimedOut,
)
from relaytui.link.greeting import greet
from relaytui.link.outbox import OutboxFull
from relaytui.link.sender import Sender
from relaytui.link.streams import ByteStream, ScreenStream, refused
from relaytui.link.tasks import cancel, spawn

PING_EVERY = 1.0
"""Seconds between pings."""

STALE_AFTER = 3.0
"""Seconds of silence after which what is shown of a node may be old."""

_READ_SIZE = 64 * 1024
_EVENT_KINDS = frozenset(kind.value for kind in EventKind)


class _Pending(NamedTuple):
    request: Request
    reply: asyncio.Future[Any]
    on_reply: Callable[[Any], Any] | None


class NodeClient:
    """A live connection. Make one with `connect`."""

    def __init__(self, duplex: Duplex, *, node: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = node
        self.note = duplex.note
        self.open_beside = duplex.beside
        self.version = 0
        self.hello: HelloReply | None = None
        self.last_heard = self._used = clock()
        self.rtt: float | None = None
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._duplex = duplex
        self._early: list[Notice] = []  # came before anybody asked for them
        self._on_notice: Callable[[Notice], None] = self._early.append
        self._on_event: Callable[[EventRecord], None] = lambda event: None
        self._clock = clock
        self._decoder = FrameDecoder()
        self._sender = Sender(duplex.writer)
        self._requests: dict[int, _Pending] = {}
        self._request_ids = itertools.count(1)
        self._streams: dict[int, ScreenStream | ByteStream] = {}
        self._pings: dict[int, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def connect(
        cls,
        duplex: Duplex,
        *,
        node: str,
        client: str,
        operator: str,
        watch: bool = True,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> NodeClient:
        """Agree on a version and say hello, within `timeout` seconds. Raises a LinkError, the duplex closed then."""
        self = cls(duplex, node=node, clock=clock)
        try:
            async with asyncio.timeout(timeout):
                self.version, rest = await greet(duplex, node)
                self._start(rest)
                hello = Hello(client=client, operator=operator, version=node_agent.__version__, watch=watch)
                self.hello = await self.request(hello, timeout)
        except TimeoutError:
            error = AgentUnreachable(f"{node}: its agent did not answer within {timeout:g} s; try again")
            await self.close(error)
            raise error from None
        except LinkError as error:
            await self.close(error)
            raise
        except RequestError as error:
            broken = ProtocolBroken(f"{node}: its agent refused us: {error.message}")
            await self.close(broken)
            raise broken from error
        except BaseException:  # cancelled, too: the caller has no client to close
            await self.close()
            raise
        return self

    @property
    def node(self) -> NodeInfo:
        """Who answered."""
        if self.hello is None:
            raise LinkLost(f"{self.name}: the connection is not up yet")
        return self.hello.node

    @property
    def is_closed(self) -> bool:
        return self.closed.done()

    def silence(self) -> float:
        """Seconds since the node was last heard."""
        return self._clock() - self.last_heard

    def unanswered(self) -> float:
        """Seconds since the oldest ping that still waits for its answer; 0 where none does."""
        return self._clock() - next(iter(self._pings.values())) if self._pings else 0.0

    def deliver(self, on_notice: Callable[[Notice], None], on_event: Callable[[EventRecord], None]) -> None:
        """Hand each notice and event to these, notices that came since the hello first. They must not block."""
        for notice in self._early:
            on_notice(notice)
        self._on_notice, self._on_event = on_notice, on_event

    def touch(self) -> None:
        """Count as used now, for `idle`."""
        self._used = self._clock()

    def idle(self) -> float:
        """Seconds since the last stream or request was done with; 0 while there is one."""
        return 0.0 if self._streams or self._requests else self._clock() - self._used

    # Requests ---------------------------------------------------------------------------------------------------------

    async def request(self, request: Request, timeout: float = 10.0) -> Any:
        """Make a request; the reply is of the class `request.reply`.

        Raises RequestError when the node refused it, RequestTimedOut after `timeout` seconds, LinkLost when the link
        broke (it may have been carried out or not).
        """
        return await self._request(request, timeout)

    async def subscribe(self, store: StoreId, after: int, timeout: float = 10.0) -> Subscribed:
        """Have the events after number `after` of `store` delivered, then live ones."""
        reply: Subscribed = await self._request(Subscribe(store, after), timeout)
        return reply

    async def watch_screen(
        self,
        session: SessionId,
        on_delta: Callable[[int, dict[str, Any]], None],
        *,
        interval: float = 0.1,
        history: int = 0,
    ) -> ScreenStream:
        """Have row deltas of a session's screen sent to `on_delta(revision, delta)`."""

        def register(opened: StreamOpened) -> ScreenStream:
            stream = ScreenStream(self, opened, on_delta)
            self._streams[opened.stream] = stream
            return stream

        stream: ScreenStream = await self._request(WatchScreen(session, interval, history), on_reply=register)
        return stream

    async def open_bytes(self, request: OpenBytes) -> ByteStream:
        """Open a session's output (and, attached, its input)."""

        def register(opened: StreamOpened) -> ByteStream:
            stream = ByteStream(self, opened, request.window)
            self._streams[opened.stream] = stream
            return stream

        stream: ByteStream = await self._request(request, on_reply=register)
        return stream

    async def open_file(self, request: GetFile | PutFile, timeout: float = 30.0) -> tuple[FileOpened, ByteStream]:
        """Open a stream that carries a file. One whose number is 0 carries nothing: the node needs it no more."""

        def register(opened: FileOpened) -> tuple[FileOpened, ByteStream]:
            stream = ByteStream(self, opened, request.window if isinstance(request, GetFile) else 0)
            if opened.stream:
                self._streams[opened.stream] = stream
            return opened, stream

        found: tuple[FileOpened, ByteStream] = await self._request(request, timeout, on_reply=register)
        return found

    async def close_stream(self, stream: int) -> None:
        """End a stream; one that is already gone, or a link that is, is no error."""
        self._streams.pop(stream, None)
        try:
            await self._request(CloseStream(stream))
        except (LinkError, RequestError):
            pass

    async def _request(
        self, request: Request, timeout: float = 10.0, on_reply: Callable[[Any], Any] | None = None
    ) -> Any:
        number = next(self._request_ids)
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.post(encode_json(FrameType.REQUEST, {"op": request.op, **to_wire(request)}, number=number))
        self._requests[number] = _Pending(request, reply, on_reply)
        try:
            async with asyncio.timeout(timeout):
                return await reply
        except TimeoutError:
            raise RequestTimedOut(f"{self.name}: no answer to {request.op} within {timeout:g} s; try again") from None
        finally:
            if on_reply is None or not reply.cancelled():
                self._requests.pop(number, None)  # else a stream may still be opened for nobody: see `_settle`
            self.touch()

    # Sending ----------------------------------------------------------------------------------------------------------

    def post(self, frame: bytes, stream: int = 0) -> None:
        """Send an encoded frame. Raises LinkLost on a dead link and RequestError (`busy`) when too much waits."""
        if self.closed.done():
            raise self.closed.result()
        try:
            self._sender.send(frame, stream)
        except OutboxFull:
            raise RequestError(ErrorCode.BUSY, f"{self.name}: too much waits to be sent; slow down") from None
        except OSError as error:
            self._end(self._reason(error))
            raise self.closed.result() from None

    def post_control(self, frame: bytes) -> None:
        """Queue a ping, pong or acknowledgement; raises LinkLost where not even those leave any more."""
        try:
            self.post(frame)
        except RequestError:
            raise LinkLost(f"{self.name}: the node stopped reading; reconnecting") from None

    async def _ping(self) -> None:
        for token in itertools.count(1):
            self._pings[token] = self._clock()
            self.post_control(encode_frame(FrameType.PING, number=token))
            await asyncio.sleep(PING_EVERY)

    # Receiving --------------------------------------------------------------------------------------------------------

    def _start(self, rest: bytes) -> None:
        self._tasks = [
            spawn(self._run(self._read(rest)), name=f"{self.name} reader"),
            spawn(self._run(self._sender.run()), name=f"{self.name} writer"),
            spawn(self._run(self._ping()), name=f"{self.name} ping"),
        ]

    async def _run(self, work: Any) -> None:
        """Run one side of the connection; its failure is the connection's end."""
        try:
            await work
        except (RemoteProtocolError, LinkError, OSError) as error:
            self._end(self._reason(error))

    async def _read(self, rest: bytes) -> None:
        """Take in what came with the greeting, then whatever comes; a reader that hands on only tells of the end."""
        reader = self._duplex.reader
        self._received(rest)
        if isinstance(reader, HandsOn):
            reader.hand_on(self._received)
        while data := await reader.read(_READ_SIZE):
            self._received(data)
        raise LinkLost(f"{self.name}: the node ended the connection")

    def _received(self, data: bytes) -> None:
        if self.closed.done():
            return
        self.last_heard = self._clock()
        try:
            for frame in self._decoder.feed(data):
                self._dispatch(frame)
        except (RemoteProtocolError, LinkError) as error:
            self._end(self._reason(error))

    def _dispatch(self, frame: Frame) -> None:
        match frame.type:
            case FrameType.REPLY | FrameType.REFUSAL:
                self._settle(frame)
            case FrameType.EVENT:
                if record := _known_event(frame):
                    self._on_event(record)
            case FrameType.NOTICE:
                if notice := parse_notice(frame.json()):
                    self._on_notice(notice)
            case FrameType.PING:
                self.post_control(encode_frame(FrameType.PONG, number=frame.number))
            case FrameType.PONG:
                self._on_pong(frame.number)
            case FrameType.REQUEST | FrameType.ACK | FrameType.INPUT:
                raise RemoteProtocolError(f"a {frame.type.name} frame came from a node")
            case _:
                self._feed_stream(frame)

    def _feed_stream(self, frame: Frame) -> None:
        """Frames of a stream closed a moment ago are still on their way: they are ignored."""
        stream = self._streams.get(frame.stream)
        if stream is None:
            return
        if frame.type is FrameType.STREAM_END:
            del self._streams[frame.stream]
            self.touch()
        stream.feed(frame)

    def _settle(self, frame: Frame) -> None:
        pending = self._requests.get(frame.number)
        if pending is None:
            return  # nobody waits any more
        data = frame.json()
        if pending.reply.done():
            del self._requests[frame.number]
            if frame.type is FrameType.REPLY and (opened := from_wire(StreamOpened, data)):
                self.post_control(encode_json(FrameType.STREAM_END, {"reason": "given up"}, opened.stream))
            return
        if frame.type is FrameType.REFUSAL:
            pending.reply.set_exception(refused(data))
        else:
            reply = from_wire(pending.request.reply, data)
            pending.reply.set_result(pending.on_reply(reply) if pending.on_reply else reply)

    def _on_pong(self, token: int) -> None:
        sent = self._pings.pop(token, None)
        if sent is not None:
            self.rtt = self._clock() - sent
            self._pings = {other: at for other, at in self._pings.items() if other > token}

    # Ending -----------------------------------------------------------------------------------------------------------

    async def close(self, error: LinkError | None = None) -> None:
        """End the connection; whoever waits on it gets `error`."""
        self._end(error or LinkLost(f"{self.name}: the connection was closed"))
        try:
            await cancel(*self._tasks)
        except asyncio.CancelledError:
            spawn(self._duplex.close(), name=f"{self.name} close")  # nobody else has it
            raise
        try:
            async with asyncio.timeout(2.0):
                await self._duplex.close()
        except (OSError, TimeoutError):
            pass

    def _reason(self, error: Exception) -> LinkError:
        """What `error` means for the connection."""
        if isinstance(error, LinkError):
            return error
        if isinstance(error, RemoteProtocolError):
            return ProtocolBroken(f"{self.name}: its agent broke the protocol: {error}; reconnecting")
        return LinkLost(f"{self.name}: the link broke: {error or type(error).__name__}")

    def _end(self, error: LinkError) -> None:
        if self.closed.done():
            return
        self.closed.set_result(error)
        for pending in self._requests.values():
            if not pending.reply.done():
                pending.reply.set_exception(error)
        for stream in self._streams.values():
            stream.fail(error)
        self._streams.clear()


def _known_event(frame: Frame) -> EventRecord | None:
    """The event a frame holds, or None for a kind of a newer agent: unknown notifications are ignored."""
    data = frame.json()
    return from_wire(EventRecord, data) if data.get("kind") in _EVENT_KINDS else None
