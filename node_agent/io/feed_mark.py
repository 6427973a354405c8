"""Which output is being fed to an engine right now, where the next agent can read it should this one die of it.

The mark lives in a mapped file: it costs no system call and outlives the process, though not the machine.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple, Optional

_LAYOUT = struct.Struct(">B32sQ")
_SIZE = 64


class Mark(NamedTuple):
    session: str
    offset: int


class FeedMark:
    """The mark of one agent. `left_behind` is the one found: output the last agent died on, or None."""

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, _SIZE)
            self._map = mmap.mmap(fd, _SIZE)
        finally:
            os.close(fd)
        self.left_behind = self._read()
        self.clear()

    def set(self, session: str, offset: int) -> None:
        """Output of `session` from `offset` on is about to be fed."""
        _LAYOUT.pack_into(self._map, 0, 1, session.encode("ascii", "replace"), offset)

    def clear(self) -> None:
        """What was marked has been fed."""
        self._map[0] = 0

    def close(self) -> None:
        self._map.close()

    def _read(self) -> Optional[Mark]:
        is_set, name, offset = _LAYOUT.unpack_from(self._map)
        return Mark(name.rstrip(b"\0").decode("ascii", "replace"), offset) if is_set else None
