"""One client's connection: frames in, frames out, everything bounded.

It knows how frames travel and in which order they are sent: replies first, then events, notices, echoes of keys,
screens, and bytes in bulk last. It must not know what a request means.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Awaitable, Callable, Dict, List, Optional, Set, Union

from node_agent.core.lease import Holder
from node_agent.core.pacing import Pacer
from node_agent.core.rights import Rights
from node_agent.io.channel import Channel
from node_agent.io.clock import Clock
from node_agent.io.event_feed import EventFeed
from node_agent.io.file_streams import FileSink, FileSource
from node_agent.io.outbox import Outbox, OutboxFullError
from node_agent.io.streams import ByteFeed, ScreenFeed
from node_agent.io.tasks import Tasks
from node_agent.protocol.codec import to_wire
from node_agent.protocol.errors import ErrorCode, ProtocolError, RequestError
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_json
from node_agent.protocol.hello import Hello
from node_agent.protocol.message import Request
from node_agent.protocol.notices import Notice, notice_to_wire
from node_agent.protocol.registry import parse_request
from node_agent.protocol.version import PreambleReader, Versions, agree, preamble

log = logging.getLogger(__name__)

WRITE_HIGH_WATER = 64 * 1024
"""Bytes handed to the transport at most, so that what waits stays in our order and latest wins."""

SECONDS_TO_GREET = 15.0
SECONDS_TO_READ = 30.0
"""A client that takes nothing for this long is dropped."""

PING_AFTER = 15.0
GONE_AFTER = 60.0
MOST_REQUESTS = 128
REQUEST_LIMIT = 10.0
"""Seconds a request may go on without its client. Half of it would be worse than all: nobody would know of a session
that was started. What takes longer waits for somebody else, a program that reads nothing most likely."""

WORDS_A_TURN = 50
"""Events and notices that are sent before a screen gets its turn."""

ACK_WAITS = 0.005
"""Seconds the ack of a key waits for the key's echo, to go along with it."""

NOTICE_INTERVAL = 0.25
"""Seconds between two notices of one subject, but for those that say at once."""

Dispatch = Callable[["Connection", Request], Awaitable[object]]
Feed = Union[ByteFeed, ScreenFeed, FileSource, FileSink]


class Connection:
    """A client that is connected. `client` is unique in the life of the node."""

    def __init__(
        self,
        client: str,
        channel: Channel,
        clock: Clock,
        dispatch: Dispatch,
        rights: Rights = Rights.ALL,
    ) -> None:
        self.client = client
        self.rights = rights
        self.operator = ""
        self.wants_notices = False
        self.events: Optional[EventFeed] = None
        self.feeds: Dict[int, Feed] = {}
        self.sessions_taken: Set[str] = set()  # whose lease this client may hold
        self.tasks = Tasks()
        self._requests = Tasks()
        self._channel = channel
        self._clock = clock
        self._dispatch = dispatch
        self._outbox = Outbox()
        self._notices: Dict[str, Callable[[], Optional[Notice]]] = {}
        self._pacer: Pacer[str] = Pacer(NOTICE_INTERVAL)
        self._wake = asyncio.Event()
        self._is_resting = False  # the pump waits to be woken
        self._late_ack: Optional[asyncio.TimerHandle] = None
        self._preamble = PreambleReader()
        self._decoder: Optional[FrameDecoder] = None  # until the versions are agreed on
        self._has_greeted = False
        self._last_stream = 0
        self._heard = clock.boot()
        self._pinged = self._heard
        channel.received = self._received

    @property
    def holder(self) -> Holder:
        return Holder(self.client, self.operator)

    @property
    def is_open(self) -> bool:
        return self._channel.is_open

    def silence(self) -> float:
        """Seconds since the client was last heard; one that is well pings every second."""
        return self._clock.boot() - self._heard

    def wake(self) -> None:
        """There may be something to send. Replies and echoes go at once, unless others are being sent."""
        if self._is_resting and not self._channel.unsent:
            self._is_resting = False  # what is sent may wake us again
            try:
                self._send_urgent()
            except OSError as error:
                log.warning("client %s cannot be sent a session's bytes: %s", self.client, error)
                self.close()
            self._is_resting = True
        self._wake.set()

    def close(self) -> None:
        """Drop the client now; `serve` returns."""
        self._channel.abort()

    # -- what the agent tells -------------------------------------------------------------------------------------

    def tell(self, subject: str, make: Callable[[], Optional[Notice]], at_once: bool = False) -> None:
        """Send the notice that `make` returns when its turn comes; the latest of a subject replaces the others."""
        if not self.wants_notices:
            return
        self._notices[subject] = make
        self._pacer.mark(subject, self._clock.boot(), at_once)
        self.wake()

    def next_stream(self) -> int:
        """A stream number that this connection has not used."""
        self._last_stream += 1
        return self._last_stream

    def add_feed(self, feed: Feed, stream: int) -> None:
        """Serve `feed` as `stream` from now on."""
        self.feeds[stream] = feed
        self._wake.set()  # and nothing at once: the reply that names the stream comes first

    def drop_feed(self, stream: int) -> Optional[Feed]:
        """Stop serving a stream; the feed it had, which the caller ends."""
        return self.feeds.pop(stream, None)

    def end_stream(self, stream: int, reason: str) -> None:
        """Stop serving a stream and tell the client why."""
        feed = self.drop_feed(stream)
        if feed is not None:
            feed.end()
            self._send_json(FrameType.STREAM_END, {"reason": reason}, stream)

    def send_input_ack(self, stream: int, number: int, refusal: Optional[RequestError] = None) -> None:
        """Tell the client what became of its input `number`: a refusal at once, that it was written soon."""
        if refusal is not None:
            body = {"code": refusal.code.value, "message": refusal.message}
            self._send_json(FrameType.INPUT_ACK, body, stream, number)
            return
        self._queue_json(FrameType.INPUT_ACK, {}, stream, number)
        if self._late_ack is None:
            self._late_ack = asyncio.get_running_loop().call_later(ACK_WAITS, self._send_late_ack)

    # -- frames in ------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Speak with the client until it goes, breaks the protocol, or is dropped."""
        self._channel.set_high_water(WRITE_HIGH_WATER)
        self._channel.write(preamble())
        impatience = asyncio.get_running_loop().call_later(SECONDS_TO_GREET, self._check_greeting)
        try:
            await self._channel.ended.wait()
        finally:
            impatience.cancel()
            if self._late_ack is not None:
                self._late_ack.cancel()
            self._channel.abort()
            await self._stop()

    async def finish(self) -> None:
        """Carry out what the client had asked for before it went, without what it would have been sent."""
        await self._requests.finish(REQUEST_LIMIT)
        await self._stop()

    async def _stop(self) -> None:
        await self.tasks.stop()
        for stream in list(self.feeds):
            self.feeds.pop(stream).end()

    def _check_greeting(self) -> None:
        if self._decoder is None:
            self.close()

    def _received(self, data: bytes) -> None:
        self._heard = self._clock.boot()
        try:
            if self._decoder is None:
                data = self._greet(data)
            if self._decoder is not None:
                for frame in self._decoder.feed(data):
                    self._take(frame)
        except ProtocolError as error:
            log.info("client %s broke the protocol: %s", self.client, error)
            self.close()
        except OutboxFullError:
            log.info("client %s does not read its replies", self.client)
            self.close()

    def _greet(self, data: bytes) -> bytes:
        """Take in the client's preamble; what it sent after it."""
        theirs = self._preamble.feed(data)
        if theirs is None:
            return b""
        if agree(Versions(), theirs) is None:
            self.close()  # they have read our versions and say what to do
            return b""
        self._decoder = FrameDecoder()
        self.tasks.spawn(self._pump(), name=f"send to {self.client}")
        return self._preamble.rest

    def _take(self, frame: Frame) -> None:
        if frame.type is FrameType.INPUT:
            feed = self.feeds.get(frame.stream)
            if isinstance(feed, (ByteFeed, FileSink)):
                feed.take_input(frame.number, frame.payload)
            else:
                refusal = RequestError(ErrorCode.REFUSED, "this stream takes no input")
                self.send_input_ack(frame.stream, frame.number, refusal)
        elif frame.type is FrameType.ACK:
            feed = self.feeds.get(frame.stream)
            if feed is not None:
                feed.ack(frame.number)
                self.wake()
        elif frame.type is FrameType.REQUEST:
            self._take_request(frame)
        elif frame.type is FrameType.STREAM_END:
            feed = self.drop_feed(frame.stream)
            if feed is not None:
                feed.end()
        elif frame.type is FrameType.PING:
            self._outbox.put(FrameType.PONG, number=frame.number)
            self.wake()

    def _take_request(self, frame: Frame) -> None:
        body = frame.json()
        try:
            request = self._admit(parse_request(body))
        except RequestError as error:
            self._refuse(frame.number, error)
            return
        self._requests.spawn(self._answer(frame.number, request), name=f"{request.op} of {self.client}")

    def _admit(self, request: Request) -> Request:
        """Let a request in, or raise RequestError."""
        if isinstance(request, Hello) is self._has_greeted:
            words = "hello was said already" if self._has_greeted else "the first request must be hello"
            raise RequestError(ErrorCode.BAD_REQUEST, words)
        if len(self._requests) >= MOST_REQUESTS:
            raise RequestError(ErrorCode.BUSY, f"{MOST_REQUESTS} requests of this client are waiting; try again")
        self._has_greeted = True
        return request

    async def _answer(self, number: int, request: Request) -> None:
        try:
            reply = await self._dispatch(self, request)
        except RequestError as error:
            self._refuse(number, error)
        else:
            self._send_json(FrameType.REPLY, to_wire(reply), number=number)

    def _refuse(self, number: int, error: RequestError) -> None:
        self._send_json(FrameType.REFUSAL, {"code": error.code.value, "message": error.message}, number=number)

    def _send_json(self, kind: FrameType, value: Dict[str, Any], stream: int = 0, number: int = 0) -> None:
        self._queue_json(kind, value, stream, number)
        self.wake()

    def _queue_json(self, kind: FrameType, value: Dict[str, Any], stream: int = 0, number: int = 0) -> None:
        try:
            self._outbox.put_json(kind, value, stream, number)
        except OutboxFullError:
            self.close()

    def _send_late_ack(self) -> None:
        self._late_ack = None
        self.wake()

    # -- frames out -----------------------------------------------------------------------------------------------

    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                wait = await self._send_what_is_due()
                alarm = loop.call_later(wait, self._wake.set)
                self._is_resting = True
                await self._wake.wait()
                self._is_resting = False
                alarm.cancel()
                self._check_alive()
        except (OSError, asyncio.TimeoutError):
            log.info("client %s has stopped reading", self.client)
        finally:
            self.close()

    def _send_urgent(self) -> None:
        """Send what needs no waiting and little making: replies and acks, and the echoes of keys."""
        frames: List[bytes] = []
        size = 0
        while self._outbox and size < WRITE_HIGH_WATER:
            frames.append(self._outbox.take())
            size += len(frames[-1])
        for stream, feed in list(self.feeds.items()):
            frame = feed.next_frame(stream) if feed.has_echo else None
            if frame is not None:
                frames.append(frame)
        if frames:
            self._channel.write(b"".join(frames))

    async def _send_what_is_due(self) -> float:
        """Send everything that is due, most urgent first; seconds until something may be due again."""
        while True:
            has_sent = await self._send_words()
            frame = self._next_of_feeds()
            if frame is not None:
                self._channel.write(frame)
            elif not has_sent:
                return self._seconds_to_wait()
            await asyncio.sleep(0)  # a screen takes milliseconds to make: a key may have come meanwhile
            if self._channel.unsent >= WRITE_HIGH_WATER:
                await asyncio.wait_for(self._channel.drain(), SECONDS_TO_READ)

    async def _send_words(self) -> bool:
        """Send what waits to be told, replies first; whether there was anything.

        However much that is, each turn of the loop has room for a screen: on a busy machine turns are few.
        """
        words: List[bytes] = []
        while len(words) < WORDS_A_TURN:
            word = await self._next_word()
            if word is None:
                break
            words.append(word)
        while self._outbox:  # a reply that names a stream comes before the stream
            words.append(self._outbox.take())
        if words:
            self._channel.write(b"".join(words))
        return bool(words)

    async def _next_word(self) -> Optional[bytes]:
        if self._outbox:
            return self._outbox.take()
        if self.events is not None:
            frame = await self.events.next_frame()
            if frame is not None:
                return frame
        return self._next_notice()

    def _next_of_feeds(self) -> Optional[bytes]:
        """What an attached terminal is shown of a few bytes (the echo of a key), screens, then bytes in bulk."""
        for stream, feed in sorted(self.feeds.items(), key=lambda item: item[1].urgency):
            frame = feed.next_frame(stream)
            if frame is not None:
                if self.feeds.pop(stream, None) is not None:
                    self.feeds[stream] = feed  # the others go first next time
                return frame
        return None

    def _next_notice(self) -> Optional[bytes]:
        while True:
            subject = self._pacer.take_one(self._clock.boot())
            if subject is None:
                return None
            notice = self._notices.pop(subject)()
            if notice is not None:
                return encode_json(FrameType.NOTICE, notice_to_wire(notice))

    def _seconds_to_wait(self) -> float:
        now = self._clock.boot()
        due = [PING_AFTER]
        notice = self._pacer.next_due()
        if notice is not None:
            due.append(notice - now)
        for feed in self.feeds.values():
            at = feed.due_at()
            if at is not None:
                due.append(at - now)
        return max(0.001, min(due))

    def _check_alive(self) -> None:
        if self.silence() > GONE_AFTER:
            raise asyncio.TimeoutError
        if self.silence() >= PING_AFTER and self._clock.boot() - self._pinged >= PING_AFTER:
            self._pinged = self._clock.boot()
            self._outbox.put(FrameType.PING, number=int(self._pinged))
