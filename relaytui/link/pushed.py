"""A connection's stream that is read at first, then handed on in the loop's own callback.

A task that reads costs each key's echo a round of the loop. The greeting reads, since it has to wait for a whole line;
from then on there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LIMIT = 128 * 1024
"""Bytes that may wait for `read` before the other side is held back."""


class PushedStream(asyncio.Protocol):
    """Reader and writer of one connection: the protocol of a socket's transport, or of an SSH channel."""

    def __init__(self) -> None:
        self._transport: Any = None  # an asyncio.Transport or an SSHChannel, which is alike
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._closed = asyncio.Event()
        self._is_paused = False
        self._is_over = False
        self._error: Exception | None = None
        self._take: Callable[[bytes], None] | None = None

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" at the end. Raises the error that the connection ended with."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._waiting[:n])
        del self._waiting[:n]
        if self._is_paused and len(self._waiting) < LIMIT:
            self._pause(False)
        return data

    def hand_on(self, take: Callable[[bytes], None]) -> None:
        """From now on give each piece to `take`, what waits already first; `read` then only tells of the end."""
        if self._waiting:
            data = bytes(self._waiting)
            self._waiting.clear()
            take(data)
        self._take = take
        if self._is_paused:
            self._pause(False)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the transport takes more. Raises OSError or the error that the connection ended with."""
        await self._can_write.wait()
        if self._is_over:
            raise self._error or ConnectionResetError("the connection has ended")

    def close(self) -> None:
        self._transport.close()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    # What the transport calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes, datatype: object = None) -> None:
        if self._take is not None:
            self._take(data)
            return
        self._waiting += data
        self._arrived.set()
        if len(self._waiting) > LIMIT and not self._is_paused:
            self._pause(True)

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._closed.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def _end(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over, self._error = True, error
        self._arrived.set()
        self._can_write.set()

    def _pause(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        if is_paused:
            self._transport.pause_reading()
        elif not self._is_over:
            self._transport.resume_reading()
