"""Flow control of one byte stream: which journal bytes a client is sent next.

Theory. A stream has sent up to `sent` and the client has taken in up to `acked`; at most `window` bytes are between
them, so the acked offset is flow control, progress and the point to resume from in one. An attached terminal that is
more than `FAR_BEHIND` bytes behind gets a snapshot of the screen instead of the bytes, with the gap marked; the next
snapshot waits until the client has taken in the last one, so a flood costs one screen a round trip.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Optional

FAR_BEHIND = 256 * 1024
"""Bytes an attached terminal may be behind before it gets a snapshot instead."""

MAX_WINDOW = 4 * 1024 * 1024
MIN_WINDOW = 4 * 1024


class ByteMode(str, enum.Enum):
    ATTACH = "attach"  # a snapshot, then bytes, and typing
    FOLLOW = "follow"  # bytes until the session ends
    DOWNLOAD = "download"  # bytes up to where the journal ended at the beginning


class StepKind(enum.Enum):
    BYTES = "bytes"
    SNAPSHOT = "snapshot"
    END = "end"


class Step(NamedTuple):
    """What to send next: up to `length` bytes from `offset`, a snapshot, or the stream's end."""

    kind: StepKind
    offset: int = 0
    length: int = 0


class ByteStream:
    """The state of one stream. Offsets are the journal's."""

    def __init__(self, mode: ByteMode, start: Optional[int], window: int, stop: Optional[int] = None) -> None:
        self.mode = mode
        self.sent = start or 0
        self._acked = self.sent
        self._window = max(MIN_WINDOW, min(window, MAX_WINDOW))
        self._stop = stop
        self._wants_snapshot = start is None and mode is ByteMode.ATTACH
        self._is_snapshot_unacked = False

    @property
    def acked(self) -> int:
        return self._acked

    @property
    def is_painted(self) -> bool:
        """Whether the client has been sent bytes or a snapshot to go on from."""
        return not self._wants_snapshot

    def ack(self, offset: int) -> None:
        """The client has taken in everything before `offset`; what was never sent cannot be acked.

        Acks of bytes sent before a snapshot are below the snapshot's offset and say nothing of it.
        """
        if offset >= self._acked:
            self._is_snapshot_unacked = False
        self._acked = max(self._acked, min(offset, self.sent))

    def next_step(self, head: int, painted: int, has_ended: bool, limit: int) -> Optional[Step]:
        """What to send now, or None to wait.

        `head` is the journal's end, `painted` the offset the engine's screen stands for, `limit` the most bytes a
        frame may have.
        """
        if self._wants_snapshot:
            return Step(StepKind.SNAPSHOT)
        if self._is_far_behind(head, painted):
            return None if self._is_snapshot_unacked else Step(StepKind.SNAPSHOT)
        end = head if self._stop is None else min(head, self._stop)
        room = min(end - self.sent, self._acked + self._window - self.sent, limit)
        if room > 0:
            return Step(StepKind.BYTES, self.sent, room)
        is_complete = has_ended if self._stop is None else True
        if is_complete and self.sent >= end:
            return Step(StepKind.END)
        return None

    def _is_far_behind(self, head: int, painted: int) -> bool:
        """Whether a snapshot takes the client further than the bytes would."""
        if self.mode is not ByteMode.ATTACH:
            return False
        return head - self.sent > FAR_BEHIND and painted - self.sent > FAR_BEHIND // 2

    def sent_bytes(self, offset: int, length: int) -> None:
        """`length` bytes from `offset` were sent; an `offset` beyond `sent` left out what the journal lacks."""
        if offset != self.sent:
            self._acked = offset
        self.sent = offset + length

    def sent_snapshot(self, offset: int) -> None:
        """A snapshot that stands for `offset` was sent; bytes go on from there and the client acks `offset`."""
        self.sent = self._acked = offset
        self._is_snapshot_unacked = True
        self._wants_snapshot = False
