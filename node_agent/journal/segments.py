"""The files of one journal: a segment is `<base offset>.log`, its index `<base offset>.idx`."""

from __future__ import annotations

import os
from typing import List, NamedTuple

SEGMENT_BYTES = 64 * 1024 * 1024
INDEX_BYTES = 16 * 1024 * 1024
"""A segment also ends when its index has grown to this: a year of one clock tick a second must not fill the disk."""

_DIGITS = 20  # the largest u64, so that names sort as numbers


class Segment(NamedTuple):
    """One segment as found on disk, sizes in bytes."""

    base: int
    size: int
    index_size: int

    @property
    def end(self) -> int:
        return self.base + self.size

    @property
    def cost(self) -> int:
        return self.size + self.index_size


def log_name(base: int) -> str:
    return f"{base:0{_DIGITS}d}.log"


def index_name(base: int) -> str:
    return f"{base:0{_DIGITS}d}.idx"


def list_segments(directory: str) -> List[Segment]:
    """The segments in `directory`, oldest first; none where there is no such directory."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    bases = sorted(
        int(name[:_DIGITS]) for name in names if name.endswith(".log") and name[:_DIGITS].isdigit() and len(name) == 24
    )
    found = []
    for base in bases:
        size = _size(os.path.join(directory, log_name(base)))
        if size >= 0:  # else the keeper has just dropped it
            found.append(Segment(base, size, max(0, _size(os.path.join(directory, index_name(base))))))
    return found


def drop_segment(directory: str, base: int) -> None:
    """Remove a segment, its index last: a reader that finds bytes finds their times."""
    for name in (log_name(base), index_name(base)):
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            pass


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return -1
