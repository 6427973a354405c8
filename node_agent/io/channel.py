"""A stream socket without tasks: what arrives is handed on in the loop's own callback.

A key crosses the agent four times, and each task or future on its way costs a round of the loop. It knows bytes, and
must not know what they mean.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Optional

RECEIVE_BYTES = 64 * 1024
_BUFFER = memoryview(bytearray(RECEIVE_BYTES))
"""All channels' own: it is copied from before the next one is asked to receive."""


class Channel(asyncio.BufferedProtocol):
    """One connected socket. Set `received`, and `lost` where its end matters, before the loop runs again."""

    def __init__(self, made: Optional[Callable[[Channel], None]] = None) -> None:
        self.received: Callable[[bytes], None] = _ignore
        self.lost: Callable[[], None] = _nothing
        self.ended = asyncio.Event()
        self._made = made
        self._transport: Any = None  # an asyncio.Transport; the base class is told of a BaseTransport
        self._can_write = asyncio.Event()
        self._can_write.set()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def unsent(self) -> int:
        """Bytes written that the kernel has not taken."""
        return int(self._transport.get_write_buffer_size())

    @property
    def socket(self) -> Any:
        return self._transport.get_extra_info("socket")

    def set_high_water(self, size: int) -> None:
        """Have `drain` wait while more than `size` bytes are unsent."""
        self._transport.set_write_buffer_limits(high=size)

    def write(self, data: bytes) -> None:
        """Send at once what the kernel takes, and the rest when it can."""
        if self.is_open:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until there is room. Raises ConnectionResetError once the other side is gone."""
        await self._can_write.wait()
        if self.ended.is_set():
            raise ConnectionResetError("the connection has ended")

    def close(self) -> None:
        """End the connection once everything is sent."""
        self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    # -- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self._made is not None:
            self._made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self.received(bytes(_BUFFER[:nbytes]))

    def eof_received(self) -> None:
        self.abort()  # who sends no more is not there any more

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self.ended.set()
        self._can_write.set()
        self.lost()


def _ignore(_: bytes) -> None:
    """Nobody has asked for the bytes yet."""


def _nothing() -> None:
    """Nobody has asked to hear of the end."""
