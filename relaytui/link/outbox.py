"""What waits to be written on one link: bounded, keys before bulk, each stream's frames in order.

Sans-IO: the sender takes blocks out and is the only one to write. Blocks are small, so that a key pressed
while a paste is on its way waits for one block and not for the paste.
"""

from __future__ import annotations

from collections import Counter, deque

LIMIT = 8 * 1024 * 1024
"""Bytes that may wait; more means that the caller is faster than the link and must be told."""

URGENT_SIZE = 4096
"""Frames up to this size overtake larger ones of other streams."""


class OutboxFull(Exception):
    """The bound was reached; nothing was queued."""


class Outbox:
    """Two queues of (stream, encoded frame)."""

    def __init__(self) -> None:
        self._urgent: deque[tuple[int, bytes]] = deque()
        self._bulk: deque[tuple[int, bytes]] = deque()
        self._bulk_of: Counter[int] = Counter()
        self.size = 0

    def put(self, frame: bytes, stream: int = 0) -> None:
        """Queue a frame; one of a stream whose bulk still waits goes behind that. Raises OutboxFull."""
        if self.size + len(frame) > LIMIT:
            raise OutboxFull
        self.size += len(frame)
        if len(frame) > URGENT_SIZE or (stream and self._bulk_of[stream]):
            self._bulk.append((stream, frame))
            self._bulk_of[stream] += 1
        else:
            self._urgent.append((stream, frame))

    def take(self, limit: int = 64 * 1024) -> bytes:
        """The next block to write: all urgent frames that fit, else one bulk frame; b"" when nothing waits."""
        parts: list[bytes] = []
        size = 0
        while self._urgent and size < limit:
            frame = self._urgent.popleft()[1]
            parts.append(frame)
            size += len(frame)
        if not parts and self._bulk:
            stream, frame = self._bulk.popleft()
            self._bulk_of[stream] -= 1
            if not self._bulk_of[stream]:
                del self._bulk_of[stream]
            parts.append(frame)
            size = len(frame)
        self.size -= size
        return b"".join(parts)
