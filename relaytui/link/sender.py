"""Writes one connection's frames: at once where nothing waits before them, else in the outbox's order."""

from __future__ import annotations

import asyncio

from relaytui.link.duplex import Writer
from relaytui.link.outbox import Outbox

_HIGH_WATER = 64 * 1024
_MOST_AT_ONCE = 16 * 1024
"""Bytes written at once before `run` has to see that they leave; a key need not wait for the turn of a task."""


class Sender:
    """Owns a connection's writer. `run` is a task of the connection."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._outbox = Outbox()
        self._has_output = asyncio.Event()
        self._room = 0  # bytes that may be written at once: none while anything waits

    def send(self, frame: bytes, stream: int = 0) -> None:
        """Write a frame now or later. Raises OutboxFull, and OSError where the connection is gone."""
        if len(frame) <= self._room:
            self._room -= len(frame)
            self._writer.write(frame)
            return
        self._room = 0
        self._outbox.put(frame, stream)
        self._has_output.set()

    async def run(self) -> None:
        """Write what waits as the other side takes it. Raises OSError or the link's own error."""
        while True:
            while block := self._outbox.take(_HIGH_WATER):
                self._writer.write(block)
                await self._writer.drain()
            self._room = _MOST_AT_ONCE
            self._has_output.clear()
            await self._has_output.wait()
            await self._writer.drain()
