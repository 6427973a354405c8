"""What policy decided, as lines of a file: caps count what stands here, and the operator can read it.

An answer is written and synced before it is sent, so that no crash lets a rule answer more often than its cap.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from relaytui.hub.policy import Answered

LOG_LIMIT = 10_000
"""Entries that are read back to be shown, the latest; caps count all there are."""


@dataclass(frozen=True)
class Entry:
    """One decision. `outcome` is `sending`, and in a later entry what became of it; "" where nothing was sent."""

    at: float  # Unix seconds
    rule: str
    reason: str
    node: str
    session: str
    ask: str
    outcome: str = ""


class Ledger:
    """An append-only file, 0600. Blocks: entries are rare and short."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counted_to = 0  # bytes of the file whose answers are in `_answered`
        self._answered: list[Answered] = []

    def add(self, entry: Entry) -> None:
        """Append and sync; raises OSError, and then nothing may be sent."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(file).st_size
            is_cut = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # by a crash: it must not take this one along
            line = b"\n" * is_cut + json.dumps(asdict(entry)).encode() + b"\n"
            if os.write(file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(file)
        finally:
            os.close(file)

    def entries(self) -> list[Entry]:
        """What stands there, oldest first; a line cut by a crash is passed over. Raises OSError."""
        try:
            lines = self._path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return list(_parsed(lines[-LOG_LIMIT:]))

    def answered(self) -> list[Answered]:
        """Every answer that was ever begun, whatever became of it. Raises OSError.

        What was read once is kept: the file only grows, unless the operator puts it away and rules begin anew.
        """
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._counted_to:
                    self._counted_to, self._answered = 0, []
                file.seek(self._counted_to)
                whole = file.read().rpartition(b"\n")
        except FileNotFoundError:
            self._counted_to, self._answered = 0, []
            return []
        self._counted_to += len(whole[0]) + len(whole[1])
        entries = _parsed(whole[0].decode("utf-8", "replace").split("\n"))
        self._answered += [Answered(entry.rule, entry.at) for entry in entries if entry.outcome == "sending"]
        return list(self._answered)


def _parsed(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError):
            continue


def entry_now(rule: str, reason: str, place: tuple[str, str, str], outcome: str = "") -> Entry:
    """An entry of this moment; `place` is node, session and ask."""
    return Entry(time.time(), rule, reason, *place, outcome)
