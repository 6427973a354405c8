"""Types into one session: keys go out in order, one request at a time, what is typed meanwhile goes with the next.

Keys typed while the node cannot be reached are discarded, never sent later: by then they mean something else.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sending import Chunk, SendInput
from relaytui.fleet.keys import SessionKey
from relaytui.screens.requests import describe_failure
from relaytui.screens.source import FleetSource

_MOST_WAITING = 512
"""Keys that wait for the node's answer; more are discarded, the link is too slow to type over."""


class Typist:
    """The way of one session's keys. `on_trouble` is told in one line why keys did not arrive."""

    def __init__(self, source: FleetSource, key: SessionKey, on_trouble: Callable[[str], None]) -> None:
        self.key = key
        self._source = source
        self._on_trouble = on_trouble
        self._waiting: list[Chunk] = []
        self._sending: asyncio.Task[None] | None = None
        self._steals = False

    def take_over(self) -> None:
        """With the next key take the right to type from whoever has it."""
        self._steals = True

    def press(self, key: str) -> None:
        """Type a key by its name."""
        self._put(Chunk(key=key))

    def paste(self, text: str) -> None:
        """Type a text at once, bracketed where the program asked for that."""
        if text:
            self._put(Chunk(text=text))

    async def settle(self) -> None:
        """Wait until all that was typed has been sent or refused."""
        while self._sending is not None and not self._sending.done():
            await asyncio.wait([self._sending])

    def _put(self, chunk: Chunk) -> None:
        if self._source.fleet.is_stale(self.key):
            self._on_trouble(f"{self.key.node} cannot be reached; the key was discarded")
            return
        if len(self._waiting) >= _MOST_WAITING:
            self._on_trouble(f"{self.key.node} is too slow; keys were discarded")
            return
        self._waiting.append(chunk)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name=f"type into {self.key}")

    async def _send(self) -> None:
        while self._waiting:
            chunks, self._waiting = tuple(self._waiting), []
            request = SendInput(self.key.id, uuid.uuid4().hex, chunks, steal=self._steals)
            self._steals = False
            failure = await describe_failure(self._source.request(self.key.node, request))
            if failure is not None:
                self._waiting.clear()
                held = isinstance(failure.error, RequestError) and failure.error.code is ErrorCode.LEASE_HELD
                self._on_trouble(failure.text + ("; prefix t takes it over" if held else ""))
