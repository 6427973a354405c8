"""Rows that left the main screen at its top, in as little memory as they can be kept.

A row under the default pen alone is kept as its text; others are packed. Rows count from the oldest kept.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Iterable, List, Sequence, Union

from node_agent.terminal.engine import DEFAULT_PEN
from node_agent.terminal.packed import PackedRow, packed_text

Kept = Union[str, PackedRow]


class History:
    """At most `limit` rows."""

    def __init__(self, limit: int) -> None:
        self.rows: Deque[Kept] = deque(maxlen=limit)
        self.passed = 0
        """Rows that ever came in, whether they are still kept or not."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def limit(self) -> int:
        return self.rows.maxlen or 0

    @property
    def dropped(self) -> int:
        """Rows that came in and are not kept any more."""
        return self.passed - len(self.rows)

    def add(self, row: PackedRow) -> None:
        """Keep a row."""
        self.passed += 1
        runs = row.runs
        if len(runs) == 2 and runs[0] is DEFAULT_PEN and not row.wrapped and type(row.text) is str:
            self.rows.append(row.text)
        else:
            self.rows.append(row)

    def add_plain_row(self, text: str) -> None:
        """Keep a row under the default pen that the next one does not continue."""
        self.passed += 1
        self.rows.append(text)

    def add_plain(self, lines: Sequence[str]) -> None:
        """Keep rows under the default pen."""
        self.passed += len(lines)
        self.rows.extend(lines[max(0, len(lines) - self.limit) :])

    def packed(self, start: int, stop: int) -> List[PackedRow]:
        """Rows `start` up to `stop`."""
        return [as_packed(self.rows[index]) for index in range(max(0, start), min(stop, len(self.rows)))]

    def all_packed(self) -> List[PackedRow]:
        """Every kept row, oldest first."""
        return [as_packed(row) for row in self.rows]

    def replace(self, rows: Iterable[PackedRow]) -> None:
        """Keep these rows instead, as after a change of width."""
        dropped = self.dropped
        self.rows.clear()
        self.passed = dropped
        for row in rows:
            self.add(row)

    def restore(self, rows: Sequence[PackedRow], dropped: int) -> None:
        """Keep these rows after `dropped` others, as a checkpoint says."""
        self.rows.clear()
        self.passed = dropped
        for row in rows:
            self.add(row)

    def clear(self) -> None:
        """Drop every row."""
        self.rows.clear()

    def search(self, text: str) -> List[int]:
        """The rows that contain `text`."""
        return [
            index for index, row in enumerate(self.rows) if text in (row if isinstance(row, str) else packed_text(row))
        ]


def as_packed(row: Kept) -> PackedRow:
    """A kept row as a packed one."""
    if isinstance(row, str):
        return PackedRow(row, (DEFAULT_PEN, len(row)) if row else (), False)
    return row
