"""Streams of one link as their consumers see them: a session's screen, a session's bytes.

A stream ends with its link. What outlives a link (resuming at the offset taken in last) is `link.resume`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node_agent.protocol.errors import ErrorCode, RemoteProtocolError, RequestError
from node_agent.protocol.frames import MAX_BYTES_FRAME, MAX_PAYLOAD, Frame, FrameType, encode_frame
from node_agent.protocol.streams import StreamOpened, TuneScreen
from node_agent.terminal.sanitise import sanitise
from relaytui.link.errors import LinkError, LinkLost

if TYPE_CHECKING:
    from relaytui.link.client import NodeClient

_TEXT_LIMIT = 500
ACK_WAITS = 0.02
"""Seconds a small output may go unacknowledged, so that the ack of a key's echo is not in the next key's way."""


@dataclass(frozen=True)
class Snapshot:
    """ANSI to paint before the bytes that follow; it stands for the output up to `offset`."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset


@dataclass(frozen=True)
class Output:
    """Raw journal bytes; `offset` is that of the first."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True)
class Gap:
    """The bytes from `start` to `end` are not sent: skipped for a slow consumer, or dropped from the journal."""

    start: int
    end: int


ByteItem = Snapshot | Output | Gap


class ScreenStream:
    """A watched screen: each delta goes to `on_delta(revision, delta)` and is acknowledged when that returns."""

    def __init__(self, client: NodeClient, opened: StreamOpened, on_delta: Callable[[int, dict[str, Any]], None]):
        self.opened = opened
        self.end_reason: str | None = None
        self._client = client
        self._on_delta = on_delta

    async def tune(self, interval: float) -> None:
        """Ask for at most one frame each `interval` seconds; 0 is at once."""
        await self._client.request(TuneScreen(self.opened.stream, interval))

    async def close(self) -> None:
        await self._client.close_stream(self.opened.stream)

    def feed(self, frame: Frame) -> None:
        """Take in a frame of this stream (called by the client)."""
        if frame.type is FrameType.SCREEN:
            self._on_delta(frame.number, frame.json())
            self._client.post_control(encode_frame(FrameType.ACK, self.opened.stream, frame.number))
        elif frame.type is FrameType.STREAM_END:
            self.end_reason = _reason(frame)

    def fail(self, error: LinkError) -> None:
        """The link has ended (called by the client)."""
        self.end_reason = self.end_reason or str(error)


class ByteStream:
    """A session's output from an offset on, and with `attach` its input.

    `async for item in stream` acknowledges an item when the next one is asked for, which is what keeps a slow consumer
    from being flooded. Iteration stops when the node ends the stream (`end_reason` says why) and raises LinkLost when
    the link breaks; `offset` is then where to resume. Who iterates may have items offered as they arrive instead, with
    `offer_to`.
    """

    def __init__(self, client: NodeClient, opened: StreamOpened, window: int) -> None:
        self.opened = opened
        self.offset = opened.offset  # of the byte after the last one taken in
        self.end_reason: str | None = None
        self._client = client
        self._limit = window + MAX_PAYLOAD
        self._items: deque[ByteItem] = deque()
        self._waiting = 0  # bytes in _items
        self._acked = opened.offset
        self._ack_step = max(1, window // 4)
        self._arrived = asyncio.Event()
        self._is_ack_urgent = False  # the node waits for the ack of a snapshot
        self._is_awaited = False  # nothing waits, and who iterates waits for the next item
        self._take: Callable[[ByteItem], bool] | None = None
        self._late_ack: asyncio.TimerHandle | None = None
        self._error: LinkError | None = None
        self._inputs: dict[int, tuple[asyncio.Future[None], bool]] = {}  # by number: what it settles, and if it is last
        self._next_input = 1

    def offer_to(self, take: Callable[[ByteItem], bool]) -> None:
        """Offer each item to `take` where the iteration waits for one; what it takes in (True) is not iterated over."""
        self._take = take

    def __aiter__(self) -> ByteStream:
        return self

    async def __anext__(self) -> ByteItem:
        self._acknowledge()
        while not self._items:
            if self._error is not None:
                raise self._error
            if self.end_reason is not None:
                raise StopAsyncIteration
            self._arrived.clear()
            self._is_awaited = True
            try:
                await self._arrived.wait()
            finally:
                self._is_awaited = False
        item = self._items.popleft()
        if not isinstance(item, Gap):
            self._waiting -= len(item.data)
        self.offset = item.end
        self._is_ack_urgent = not isinstance(item, Output)
        return item

    def _acknowledge(self) -> None:
        """Tell the node how far we are: now, where it may wait for that, or soon."""
        if self.offset - self._acked >= self._ack_step or (self._is_ack_urgent and not self._items):
            self._send_ack()
        elif self.offset != self._acked and not self._items and self._late_ack is None:
            self._late_ack = asyncio.get_running_loop().call_later(ACK_WAITS, self._send_late_ack)

    def _send_late_ack(self) -> None:
        try:
            self._send_ack()
        except LinkError:
            pass  # the link is ending, and says so to who iterates

    def _send_ack(self) -> None:
        self._is_ack_urgent = False
        self._forget_late_ack()
        if self.offset != self._acked and self._error is None and self.end_reason is None:
            self._acked = self.offset
            self._client.post_control(encode_frame(FrameType.ACK, self.opened.stream, self.offset))

    def send(self, data: bytes) -> asyncio.Future[None]:
        """Type `data`; the future is done when the node has written it.

        It fails with RequestError when the node refused it and with LinkLost when the link broke before the answer:
        then it is unconfirmed. Raises RequestError (`busy`) at once when too much waits already.
        """
        if self._error is not None:
            raise self._error
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pieces = [data[at : at + MAX_BYTES_FRAME] for at in range(0, len(data), MAX_BYTES_FRAME)] or [b""]
        done.add_done_callback(_take_notice)
        for place, piece in enumerate(pieces, 1):
            number = self._next_input
            self._client.post(encode_frame(FrameType.INPUT, self.opened.stream, number, piece), self.opened.stream)
            self._next_input += 1
            self._inputs[number] = (done, place == len(pieces))
        return done

    async def close(self) -> None:
        """End the stream; the lease it held is released."""
        self._forget_late_ack()
        self.end_reason = self.end_reason if self.end_reason is not None else "closed here"
        self._arrived.set()
        await self._client.close_stream(self.opened.stream)

    def feed(self, frame: Frame) -> None:
        """Take in a frame of this stream (called by the client)."""
        match frame.type:
            case FrameType.BYTES:
                self._queue(Output(frame.number, frame.payload))
            case FrameType.SNAPSHOT:
                self._queue(Snapshot(frame.number, frame.payload))
            case FrameType.GAP:
                start = frame.json().get("from", self.offset)
                self._queue(Gap(start if isinstance(start, int) else self.offset, frame.number))
            case FrameType.INPUT_ACK:
                self._settle_input(frame)
            case FrameType.STREAM_END:
                self.end_reason = _reason(frame)
                self._forget_late_ack()
                self._fail_inputs(LinkLost(f"the stream ended: {self.end_reason}"))
                self._arrived.set()
            case _:
                raise RemoteProtocolError(f"a {frame.type.name} frame does not belong on a byte stream")

    def fail(self, error: LinkError) -> None:
        """The link has ended (called by the client); what has arrived can still be read."""
        self._error = error
        self._forget_late_ack()
        self._fail_inputs(error)
        self._arrived.set()

    def _forget_late_ack(self) -> None:
        if self._late_ack is not None:
            self._late_ack.cancel()
            self._late_ack = None

    def _queue(self, item: ByteItem) -> None:
        if self._take is not None and self._is_awaited and not self._items and self._take(item):
            self.offset = item.end
            self._acknowledge()
            return
        if not isinstance(item, Gap):
            self._waiting += len(item.data)
            if self._waiting > self._limit:
                raise RemoteProtocolError("the node sends more than was asked for")
        self._items.append(item)
        self._arrived.set()

    def _settle_input(self, frame: Frame) -> None:
        """An acknowledgement covers all inputs up to its number; a refusal tells of one alone."""
        refusal = frame.json() if frame.payload else {}
        for number in sorted(n for n in self._inputs if n <= frame.number):
            done, is_last = self._inputs.pop(number)
            if done.done():
                continue
            if "code" in refusal and number == frame.number:
                done.set_exception(refused(refusal))
            elif is_last:
                done.set_result(None)

    def _fail_inputs(self, error: LinkError) -> None:
        for done, _ in self._inputs.values():
            if not done.done():
                done.set_exception(error)
        self._inputs.clear()


def refused(data: dict[str, Any]) -> RequestError:
    """The RequestError a refusal's JSON stands for; an unknown code of a newer agent reads as `internal`."""
    try:
        code = ErrorCode(data.get("code"))
    except ValueError:
        code = ErrorCode.INTERNAL
    return RequestError(code, sanitise(str(data.get("message", "refused without a reason")), _TEXT_LIMIT))


def _reason(frame: Frame) -> str:
    """Why the node ended a stream, safe to show."""
    return sanitise(str(frame.json().get("reason", "")), _TEXT_LIMIT)


def _take_notice(done: asyncio.Future[None]) -> None:
    """Mark the future's error as seen: who types into a terminal need not await every key."""
    if not done.cancelled():
        done.exception()
