"""Streams that carry a file: out of the node in BYTES frames, into it by INPUT frames that are each acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor
from typing import Awaitable, Callable, Deque, Optional, Tuple

from node_agent.io.attempt_files import Incoming, Outgoing
from node_agent.io.streams import Urgency
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.frames import MAX_BYTES_FRAME, FrameType, encode_frame

_MOST_WAITING = 4 * 1024 * 1024
"""Bytes a client may send ahead of the disk."""

_SECONDS_TO_SEND = 60.0
"""A client that sends nothing for this long is given up."""


class FileSource:
    """A file as BYTES frames from `offset` on; `run` reads ahead of what is sent by one frame."""

    urgency = Urgency.BULK
    has_echo = False

    def __init__(
        self, file: Outgoing, offset: int, window: int, threads: Executor, *, wake: Callable[[], None]
    ) -> None:
        self._file = file
        self._threads = threads
        self._wake = wake
        self._sent = self._acked = offset
        self._window = window
        self._frame: Optional[bytes] = None
        self._moved = asyncio.Event()
        self._is_over = self._has_begun = False

    async def run(self) -> str:
        """Read until all is sent and taken; why the stream then ends."""
        loop = asyncio.get_running_loop()
        at = self._sent
        self._has_begun = True
        try:
            while at < self._file.size and not self._is_over:
                data = await loop.run_in_executor(self._threads, self._file.read, at, MAX_BYTES_FRAME)
                if not data:
                    return "the file was shortened"
                self._frame = data
                at += len(data)
                await self._sent_on()
        except RequestError as error:
            return error.message
        else:
            return "complete"
        finally:
            self._file.close()

    async def _sent_on(self) -> None:
        """Wait until the frame is taken, or nobody wants it."""
        while self._frame is not None and not self._is_over:
            self._wake()
            self._moved.clear()
            await self._moved.wait()

    def ack(self, offset: int) -> None:
        self._acked = max(self._acked, min(offset, self._sent))

    def end(self) -> None:
        """Nobody wants the rest: `run` returns."""
        self._is_over = True
        self._moved.set()
        if not self._has_begun:
            self._file.close()

    def due_at(self) -> Optional[float]:
        return None

    def next_frame(self, stream: int) -> Optional[bytes]:
        data = self._frame
        if data is None or self._sent - self._acked >= self._window:
            return None
        frame = encode_frame(FrameType.BYTES, stream, self._sent, data)
        self._sent += len(data)
        self._frame = None
        self._moved.set()
        return frame


class FileSink:
    """A file that comes in: each INPUT frame is acknowledged when written, the last one when all is in its place."""

    urgency = Urgency.BULK
    has_echo = False

    def __init__(
        self,
        file: Incoming,
        threads: Executor,
        *,
        settle: Callable[[], Awaitable[None]],
        ack: Callable[[int, Optional[RequestError]], None],
    ) -> None:
        """`settle` has the whole file appear and raises RequestError where it must not any more."""
        self._file = file
        self._threads = threads
        self._settle = settle
        self._ack = ack
        self._came: Deque[Tuple[int, bytes]] = deque()
        self._waiting = 0
        self._news = asyncio.Event()
        self._is_over = self._has_begun = False

    async def run(self) -> str:
        """Write what comes until the file is whole; why the stream then ends."""
        loop = asyncio.get_running_loop()
        number = 0
        self._has_begun = True
        try:
            while True:
                await asyncio.wait_for(self._has_come(), _SECONDS_TO_SEND)
                if self._is_over:
                    return "given up"
                number, data = self._came.popleft()
                self._waiting -= len(data)
                await loop.run_in_executor(self._threads, self._file.write, data)
                if not self._file.left:
                    await self._settle()
                    self._ack(number, None)
                    return "complete"
                self._ack(number, None)
        except RequestError as error:
            self._ack(number, error)
            return error.message
        except asyncio.TimeoutError:
            return f"nothing came for {_SECONDS_TO_SEND:.0f} s"
        finally:
            await asyncio.shield(loop.run_in_executor(self._threads, self._file.close))

    async def _has_come(self) -> None:
        while not self._came and not self._is_over:
            self._news.clear()
            await self._news.wait()

    def take_input(self, number: int, data: bytes) -> None:
        if self._waiting + len(data) > _MOST_WAITING:
            self._ack(number, RequestError(ErrorCode.BUSY, "the file is sent faster than it can be written"))
            return
        self._waiting += len(data)
        self._came.append((number, data))
        self._news.set()

    def ack(self, offset: int) -> None:
        """Nothing is sent that could be acknowledged."""

    def end(self) -> None:
        """Nothing more comes: `run` returns."""
        self._is_over = True
        self._news.set()
        if not self._has_begun:
            self._file.close()

    def due_at(self) -> Optional[float]:
        return None

    def next_frame(self, stream: int) -> Optional[bytes]:
        return None
