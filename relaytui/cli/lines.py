"""Turns a session's output into lines as they get finished, by emulating it.

A line is finished when the cursor has moved below it; soft wraps are joined. What a full-screen program draws on the
alternate screen is no line. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        """The first row that is not finished; of a line that fills the history, the part that would soon be lost is."""
        number = self._above + self._engine.cursor.row
        first = max(self._next, number - _SLICE)
        while number > first and self._is_wrapped(number - 1):
            number -= 1
        return number

    def _finished(self, end: int) -> Iterator[list[Span]]:
        if self._engine.modes.alternate_screen:
            return
        if self._engine.cursor.row == 0 and end < self._next:
            self._next = end  # the screen was cleared: what is printed now is new
        cells: list[Cell] = []
        while self._next < end:
            cells += self._row(self._next)
            wrapped = self._is_wrapped(self._next)
            self._next += 1
            if not wrapped or self._next == end:
                yield row_spans(cells)
                cells = []

    def _row(self, number: int) -> Sequence[Cell]:
        on_screen = number - self._above
        return self._engine.cells(on_screen) if on_screen >= 0 else self._engine.history_cells(self._index(number))

    def _is_wrapped(self, number: int) -> bool:
        """Whether the line goes on in the row after it."""
        on_screen = number - self._above
        if on_screen >= 0:
            return self._engine.is_wrapped(on_screen)
        index = self._index(number)
        return self._engine.history(index, index + 1)[0].wrapped

    def _index(self, number: int) -> int:
        """A row's place in the history."""
        return max(0, number - self._engine.history_dropped)
