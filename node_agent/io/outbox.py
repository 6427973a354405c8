"""What waits to be sent to one client, by urgency, with a bound on all of it."""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict

from node_agent.protocol.frames import FrameType, encode_frame, encode_json

MOST_BYTES = 8 * 1024 * 1024
"""Replies and acks that may wait for a client; one that lets more pile up does not read and is dropped."""


class OutboxFullError(Exception):
    """The client has stopped reading what it asked for."""


class Outbox:
    """Replies, refusals, acks and stream ends, in order. Everything else is made when there is room for it."""

    def __init__(self) -> None:
        self._frames: Deque[bytes] = deque()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def put(self, kind: FrameType, stream: int = 0, number: int = 0, payload: bytes = b"") -> None:
        """Queue one frame; raises OutboxFullError."""
        self._put(encode_frame(kind, stream, number, payload))

    def put_json(self, kind: FrameType, value: Dict[str, Any], stream: int = 0, number: int = 0) -> None:
        """Queue one frame with a JSON payload; raises OutboxFullError."""
        self._put(encode_json(kind, value, stream, number))

    def _put(self, frame: bytes) -> None:
        if self._bytes + len(frame) > MOST_BYTES:
            raise OutboxFullError
        self._frames.append(frame)
        self._bytes += len(frame)

    def take(self) -> bytes:
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        return frame
