"""Rows that left the top of the main screen, packed, the oldest dropped first. It knows no screen."""

from __future__ import annotations

from collections import deque
from typing import Deque, Iterable, List

from node_agent.terminal.engine import Line
from node_agent.terminal.packed import PackedRow, packed_text


class Scrollback:
    """At most `limit` rows; `dropped` counts those that ever left it."""

    def __init__(self, limit: int, rows: Iterable[PackedRow] = (), dropped: int = 0) -> None:
        self._limit = limit
        self._rows: Deque[PackedRow] = deque()
        self.dropped = dropped
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> PackedRow:
        return self._rows[index]

    def append(self, row: PackedRow) -> None:
        """Take the row that just left the screen."""
        self._rows.append(row)
        if len(self._rows) > self._limit:
            self._rows.popleft()
            self.dropped += 1

    def clear(self) -> None:
        """Drop every row."""
        self.dropped += len(self._rows)
        self._rows.clear()

    def packed(self) -> List[PackedRow]:
        """Every kept row, the oldest first."""
        return list(self._rows)

    def lines(self, start: int, stop: int) -> List[Line]:
        """Kept rows `start` to `stop` as text."""
        count = len(self._rows)
        wanted = range(max(0, start), min(stop, count))
        return [Line(packed_text(self._rows[index]), self._rows[index].wrapped) for index in wanted]
