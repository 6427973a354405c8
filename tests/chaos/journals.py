"""Journals as they are on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from node_agent.journal.reader import JournalReader, Missing


def read_journal(directory: Path) -> bytes:
    """All that a session printed; nothing of it may have been dropped."""
    pieces: list[bytes] = []
    offset = 0
    with JournalReader(str(directory)) as reader:
        while piece := reader.read(offset, 1 << 20):
            assert not isinstance(piece, Missing)
            pieces.append(piece)
            offset += len(piece)
    return b"".join(pieces)


def head_of(directory: Path) -> int:
    """How much a session has printed so far, in bytes."""
    with JournalReader(str(directory)) as reader:
        return reader.head


def digest(data: bytes) -> str:
    """What stands for megabytes where two of them are compared, and is all that a failure needs to print."""
    return f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"
