"""The writing end of a journal; the keeper's.

Plain appends without fsync: what was written survives the death of every process, and only a power cut loses it. A disk
that takes no more (full, over a quota, failing) is a result, not an error: the caller keeps the bytes and tries again.
"""

from __future__ import annotations

import os
from typing import List, Tuple

from node_agent.journal.index import Checkpoint, Gap, Input, Moment, Record, Resize, Time, encode
from node_agent.journal.segments import (
    INDEX_BYTES,
    SEGMENT_BYTES,
    Segment,
    drop_segment,
    index_name,
    list_segments,
    log_name,
)

SESSION_CAP = 256 * 1024 * 1024
TIME_EVERY_NS = 50_000_000
TIME_EVERY_BYTES = 64 * 1024

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class JournalWriter:
    """Appends output and index records to the journal in `directory`, from where it ends.

    `head` is the offset after the last byte, `first` the oldest kept, `cost` the bytes it takes on disk.
    """

    __slots__ = (
        "_closed_segments",
        "_index_fd",
        "_index_size",
        "_log_fd",
        "_segment_bytes",
        "_timed_at",
        "_timed_head",
        "base",
        "cap",
        "directory",
        "first",
        "head",
    )

    def __init__(self, directory: str, *, cap: int = SESSION_CAP, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Raises OSError where the files cannot be made."""
        self.directory = directory
        self.cap = cap
        self._segment_bytes = min(segment_bytes, max(1, cap // 4))
        found = list_segments(directory)
        last = found.pop() if found else Segment(0, 0, 0)
        self._closed_segments: List[Segment] = found
        self.base = last.base
        self.first = found[0].base if found else last.base
        self.head = last.end
        self._timed_at = 0
        self._timed_head = -TIME_EVERY_BYTES
        self._log_fd, self._index_fd = self._open(self.base)
        self._index_size = last.index_size

    @property
    def cost(self) -> int:
        return sum(segment.cost for segment in self._closed_segments) + self.active_cost

    @property
    def active_cost(self) -> int:
        """Bytes of the segment being written."""
        return self.head - self.base + self._index_size

    @property
    def has_closed_segments(self) -> bool:
        return bool(self._closed_segments)

    def append(self, data: bytes, moment: Moment) -> int:
        """Append output and return how many of its bytes are on disk: fewer than given where it takes no more."""
        if self.head - self.base >= self._segment_bytes or self._index_size >= INDEX_BYTES:
            self.start_segment(moment)
        written = 0
        while written < len(data):
            try:
                written += os.write(self._log_fd, data[written:] if written else data)
            except OSError:
                break
        start = self.head
        self.head += written
        if written and (moment.boot - self._timed_at >= TIME_EVERY_NS or start - self._timed_head >= TIME_EVERY_BYTES):
            self._timed_at, self._timed_head = moment.boot, start
            self._note(Record(start, moment, Time()))
        return written

    def note_input(self, seq: int, length: int, cause: str, moment: Moment) -> None:
        self._note(Record(self.head, moment, Input(seq, length, cause)))

    def note_resize(self, columns: int, rows: int, moment: Moment) -> None:
        self._note(Record(self.head, moment, Resize(columns, rows)))

    def note_checkpoint(self, offset: int, name: str, moment: Moment) -> None:
        self._note(Record(offset, moment, Checkpoint(name)))

    def start_segment(self, moment: Moment) -> bool:
        """End the segment being written and drop the oldest beyond the cap; False where no other can be made."""
        if self.head == self.base:
            return False
        try:
            log_fd, index_fd = self._open(self.head)
        except OSError:
            return False
        os.close(self._log_fd)
        os.close(self._index_fd)
        self._closed_segments.append(Segment(self.base, self.head - self.base, self._index_size))
        self._log_fd, self._index_fd, self._index_size = log_fd, index_fd, 0
        self.base = self.head
        self._timed_head = -TIME_EVERY_BYTES
        while self._closed_segments and self.cost + self._segment_bytes > self.cap:
            self.drop_oldest(moment)
        return True

    def drop_oldest(self, moment: Moment) -> int:
        """Drop the oldest segment but the one being written; returns the bytes that freed."""
        if not self._closed_segments:
            return 0
        dropped = self._closed_segments.pop(0)
        self.first = self._closed_segments[0].base if self._closed_segments else self.base
        self._note(Record(self.first, moment, Gap(dropped.base)))
        drop_segment(self.directory, dropped.base)
        return dropped.cost

    def close(self) -> None:
        if self._log_fd >= 0:
            os.close(self._log_fd)
            os.close(self._index_fd)
            self._log_fd = self._index_fd = -1

    def _open(self, base: int) -> Tuple[int, int]:
        log = os.open(os.path.join(self.directory, log_name(base)), _FLAGS, 0o600)
        try:
            return log, os.open(os.path.join(self.directory, index_name(base)), _FLAGS, 0o600)
        except OSError:
            os.close(log)
            raise

    def _note(self, record: Record) -> None:
        """Append to the index; where the disk takes no more the record is lost and the index stays whole."""
        if self._index_fd < 0:
            return
        data = encode(record)
        try:
            written = os.write(self._index_fd, data)
        except OSError:
            return
        if written == len(data):
            self._index_size += written
        else:
            os.ftruncate(self._index_fd, self._index_size)
