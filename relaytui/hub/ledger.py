"""What policy decided, as lines of a file: caps count what stands here, and the operator can read it.

An answer is written and synced before it is sent, so that no crash lets a rule answer more often than its cap.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from relaytui.hub.policy import Answered

LOG_LIMIT = 10_000
"""Entries that are read back; caps with a window or an expiry need no older ones."""


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

    def add(self, entry: Entry) -> None:
        """Append and sync; raises OSError, and then nothing may be sent."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, json.dumps(asdict(entry)).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)

    def entries(self) -> list[Entry]:
        """What stands there, oldest first; a line cut by a crash is passed over. Raises OSError."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines[-LOG_LIMIT:]:
            try:
                found.append(Entry(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return found

    def answered(self) -> list[Answered]:
        """Every answer that was begun, whatever became of it."""
        return [Answered(entry.rule, entry.at) for entry in self.entries() if entry.outcome == "sending"]


def entry_now(rule: str, reason: str, place: tuple[str, str, str], outcome: str = "") -> Entry:
    """An entry of this moment; `place` is node, session and ask."""
    return Entry(time.time(), rule, reason, *place, outcome)
