"""The reading end of a journal, beside a writer in another process and without its help."""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import Iterator, List, NamedTuple, Optional, Union

from node_agent.journal.index import Input, Moment, Record, Time, decode
from node_agent.journal.segments import index_name, list_segments, log_name


class Missing(NamedTuple):
    """The bytes from `start` up to `end` were dropped; reading goes on at `end`."""

    start: int
    end: int


class JournalReader:
    """Reads the journal in `directory` at absolute offsets.

    It holds at most one file open; `close` or the `with` statement gives it back.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._bases: List[int] = []
        self._fd = -1
        self._base = -1
        self._end = -1  # where the open segment ends, known once a later one exists

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base(self) -> int:
        """Where the segment that was last read begins, -1 before any was."""
        return self._base

    @property
    def first(self) -> int:
        """The oldest offset still kept, as found on disk now."""
        found = list_segments(self.directory)
        return found[0].base if found else 0

    @property
    def head(self) -> int:
        """The offset after the last byte, as found on disk now."""
        found = list_segments(self.directory)
        return found[-1].end if found else 0

    def read(self, offset: int, size: int) -> Union[bytes, Missing]:
        """At most `size` bytes from `offset`: fewer at the end of a segment, none at the journal's head.

        Where bytes from `offset` on were dropped, a `Missing` that says up to where.
        """
        while True:
            if not self._base <= offset or self._fd < 0 or 0 <= self._end <= offset:
                missing = self._open_for(offset)
                if missing is not None:
                    return missing
                if self._fd < 0:
                    return b""
            data = os.pread(self._fd, size, offset - self._base)
            if data or self._end >= 0 or not self._has_later():
                return data

    def records(self, since: int = 0) -> Iterator[Record]:
        """Index records of every segment that has offsets at or after `since`, in the order they were written."""
        found = list_segments(self.directory)
        for position, segment in enumerate(found):
            if position + 1 < len(found) and found[position + 1].base <= since:
                continue
            yield from decode(_load(os.path.join(self.directory, index_name(segment.base))))

    def moment_at(self, offset: int) -> Optional[Moment]:
        """When the byte at `offset` arrived, to the index's 50 ms; None where that is not known."""
        found: Optional[Moment] = None
        for record in self.records(offset):
            if record.offset > offset:
                break
            if isinstance(record.body, Time):
                found = record.moment
        return found

    def last_input_seq(self) -> int:
        """The number of the last block that was written into the child, 0 for none."""
        return max((r.body.seq for r in self.records() if isinstance(r.body, Input)), default=0)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._base, self._end = -1, -1, -1

    def _open_for(self, offset: int) -> Optional[Missing]:
        """Open the segment that holds `offset`, if any; says what is missing where it was dropped."""
        self.close()
        while True:
            found = list_segments(self.directory)
            if not found:
                return None
            if offset < found[0].base:
                return Missing(offset, found[0].base)
            position = bisect_right([segment.base for segment in found], offset) - 1
            try:
                self._fd = os.open(
                    os.path.join(self.directory, log_name(found[position].base)), os.O_RDONLY | os.O_CLOEXEC
                )
            except FileNotFoundError:
                continue  # dropped since it was listed
            self._base = found[position].base
            self._end = found[position + 1].base if position + 1 < len(found) else -1
            return None

    def _has_later(self) -> bool:
        """Whether a segment after the open one has begun; notes where the open one ends."""
        later = [segment.base for segment in list_segments(self.directory) if segment.base > self._base]
        if later:
            self._end = later[0]
        return bool(later)


def _load(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
