"""Turns a session's output into lines as they get finished, by emulating it.

A line is finished when the cursor has moved below it; soft wraps are joined. What a full-screen program draws on the
alternate screen is no line. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Iterator

from node_agent.terminal.engine import Cell, EngineOptions
from node_agent.terminal.engines import create_engine
from node_agent.terminal.rows import Span, row_spans

_HISTORY = 4096
_SLICE = _HISTORY // 2
"""Bytes fed at a time: fewer than rows kept, so that no row scrolls away unseen."""


class LineFollower:
    """Output in, finished lines out, each as wire spans (see `terminal/rows.py`)."""

    def __init__(self, columns: int, rows: int) -> None:
        self._engine = create_engine("vt", columns, rows, EngineOptions(history=_HISTORY))
        self._next = 0  # the row after the last one handed out, counted from the first ever printed

    def feed(self, data: bytes) -> Iterator[list[Span]]:
        """Take in output and yield the lines it finished."""
        for start in range(0, len(data), _SLICE):
            self._engine.feed(data[start : start + _SLICE])
            self._engine.drain_replies()
            self._engine.drain_events()
            yield from self._finished(self._above_cursor())

    def resize(self, columns: int, rows: int) -> None:
        self._engine.resize(columns, rows)

    def rest(self) -> Iterator[list[Span]]:
        """The lines still on the screen, for when the output has ended."""
        engine = self._engine
        used = engine.rows
        while used and not engine.text(used - 1):
            used -= 1
        yield from self._finished(self._above + used)

    def unfinished(self) -> str:
        """The text of the line the cursor is on."""
        return "" if self._engine.modes.alternate_screen else self._engine.text(self._engine.cursor.row)

    @property
    def _above(self) -> int:
        """Rows that ever left the screen at its top."""
        return self._engine.history_dropped + self._engine.history_length

    def _above_cursor(self) -> int:
        """The first row that is not finished."""
        row = self._engine.cursor.row
        while row and self._engine.is_wrapped(row - 1):
            row -= 1
        return self._above + row

    def _finished(self, end: int) -> Iterator[list[Span]]:
        if self._engine.modes.alternate_screen:
            return
        if self._engine.cursor.row == 0 and end < self._next:
            self._next = end  # the screen was cleared: what is printed now is new
        cells: list[Cell] = []
        while self._next < end:
            row, wrapped = self._row(self._next)
            cells += row
            self._next += 1
            if not wrapped or self._next == end:
                yield row_spans(cells)
                cells = []

    def _row(self, number: int) -> tuple[list[Cell], bool]:
        engine = self._engine
        on_screen = number - self._above
        if on_screen >= 0:
            return list(engine.cells(on_screen)), engine.is_wrapped(on_screen)
        index = max(0, engine.history_length + on_screen)
        return list(engine.history_cells(index)), engine.history(index, index + 1)[0].wrapped
