"""Follows a journal's index while it is written: each record once, in order, at the cost of what is new."""

from __future__ import annotations

import os
import struct
from typing import List, NamedTuple

from node_agent.journal.index import HEAD_SIZE, Record, decode
from node_agent.journal.segments import index_name, list_segments

_SIZE = struct.Struct(">H")


class Position(NamedTuple):
    """A place in the index: the base of a segment and bytes into its index. (-1, 0) is before the first."""

    base: int = -1
    bytes: int = 0


class IndexTail:
    """Reads the index in `directory` on from where the last call ended. It holds one file open until `close`."""

    def __init__(self, directory: str, start: Position = Position()) -> None:  # noqa: B008 - an immutable tuple
        self._directory = directory
        self._base, self._position = start
        self._fd = -1
        if start.base >= 0:
            self._open(start.base)

    @property
    def position(self) -> Position:
        """Where the next call reads on: a later `IndexTail` may start there."""
        return Position(self._base, self._position)

    def read(self, may_be_later: bool = True) -> List[Record]:
        """The records that were written since the last call.

        A caller who knows that no segment has begun since says so: to look for one, the directory is listed.
        """
        records = self._read_open()
        while (may_be_later or self._fd < 0) and self._open_next(records):
            records += self._read_open()
        return records

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_open(self) -> List[Record]:
        if self._fd < 0:
            return []
        size = os.fstat(self._fd).st_size - self._position
        if size < HEAD_SIZE:
            return []
        data = os.pread(self._fd, size, self._position)
        whole = _whole_records(data)
        self._position += whole
        return list(decode(data[:whole]))

    def _open_next(self, records: List[Record]) -> bool:
        """Go on to the segment after the open one, if there is one; what that had still to tell goes to `records`."""
        for segment in list_segments(self._directory):
            if segment.base > self._base:
                records += self._read_open()  # a later segment is there, so nothing more is written to this one
                if self._open(segment.base):
                    self._position = 0
                    return True
        return False

    def _open(self, base: int) -> bool:
        """Open the index of the segment at `base`; False where it has been dropped."""
        try:
            fd = os.open(os.path.join(self._directory, index_name(base)), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self.close()
        self._fd, self._base = fd, base
        return True


def _whole_records(data: bytes) -> int:
    """Bytes of the records that are complete."""
    at = 0
    while at + HEAD_SIZE <= len(data):
        end = at + HEAD_SIZE + _SIZE.unpack_from(data, at)[0]
        if end > len(data):
            break
        at = end
    return at
