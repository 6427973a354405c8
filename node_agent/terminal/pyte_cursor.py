"""Rows, screens and the cursor of the hardened pyte screen: everything that moves but changes no cell.

pyte's own methods keep their names and signatures; they are replaced because stock pyte 0.8.2 moves the cursor by
margins it is not inside, asserts where a program sets origin mode without margins, and keeps a stack of saved cursors.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, List, Optional, Set, Tuple

from pyte.screens import Margins, Screen, StaticDefaultDict

from node_agent.terminal.checkpoint import DEFAULT_CHARSETS, Charsets, SavedCursor
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Pen
from node_agent.terminal.packed import WIDE_PAD, PackedRow, join_cells, trim_blanks

AUTOWRAP, ORIGIN, CURSOR_VISIBLE = 7, 6, 25
DEFAULT_MODES = frozenset([AUTOWRAP, CURSOR_VISIBLE])
BLANK = Cell(" ", DEFAULT_PEN)


class Row(StaticDefaultDict[int, Cell]):
    """A sparse row of cells. `stamp` is 0 after a change, until someone asks; `wrapped` is a soft end."""

    __slots__ = ("stamp", "wrapped")

    def __init__(self, blank: Cell = BLANK) -> None:
        super().__init__(blank)
        self.stamp = 0
        self.wrapped = False

    def cells(self, columns: int) -> List[Cell]:
        """Exactly `columns` cells."""
        get, blank = self.get, self.default
        return [get(column, blank) for column in range(columns)]

    def packed(self, columns: int) -> PackedRow:
        """The row in its compact form; what was never written is not looked at."""
        is_open = self.wrapped or self.default is not BLANK
        cells = self.cells(columns if is_open else max(self, default=-1) + 1)
        texts = [cell.text or WIDE_PAD for cell in cells]
        runs: List[Any] = []
        for pen, run in groupby([cell.pen for cell in cells]):
            runs += (pen, len(list(run)))
        if not self.wrapped:
            trim_blanks(texts, runs)
        return PackedRow(join_cells(texts), tuple(runs), self.wrapped)


class Side:
    """What the main and the alternate screen have each."""

    def __init__(self, rows: int) -> None:
        self.rows: List[Row] = [Row() for _ in range(rows)]
        self.saved: Optional[SavedCursor] = None
        self.keyboard: List[int] = []


class CursorScreen(Screen):
    """The cursor on two screens. Its column stays on the screen; a wrap that waits for the next character is a flag."""

    columns: int
    lines: int
    buffer: List[Row]  # type: ignore[assignment]  # pyte has a dictionary, slower to scroll

    def reset(self) -> None:
        """Everything as after power-up, but what the engine keeps: history, title, directory (RIS)."""
        self.main = Side(self.lines)
        self.alternate = Side(self.lines)
        self.show(self.main)
        self.margins = None
        self.mode = set(DEFAULT_MODES)
        self.ansi_mode: Set[int] = set()
        self.tabstops = set(range(8, self.columns, 8))
        self.x = self.y = 0
        self.pending_wrap = False
        self.charsets: Charsets = DEFAULT_CHARSETS
        self.set_pen(DEFAULT_PEN)

    def set_pen(self, pen: Pen) -> None:
        """Draw with `pen` from here on."""
        self.pen = pen

    def show(self, side: Side) -> None:
        """Make `side` the active screen."""
        self.side = side
        self.buffer = side.rows

    @property
    def span(self) -> Tuple[int, int]:
        """First and last row of the scrolling region."""
        return (0, self.lines - 1) if self.margins is None else (self.margins.top, self.margins.bottom)

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self.side is self.alternate

    def set_margins(self, top: Optional[int] = None, bottom: Optional[int] = None) -> None:
        """Set the scrolling region from 1-based rows and home the cursor; an empty region is ignored (DECSTBM)."""
        first, last = (top or 1) - 1, min(bottom or self.lines, self.lines) - 1
        if first >= last:
            return
        self.margins = None if (first, last) == (0, self.lines - 1) else Margins(first, last)
        self.cursor_position()

    def move_to(self, y: int, x: int) -> None:
        """Place the cursor, kept on the screen, and in origin mode inside the margins."""
        top, bottom = self.span if ORIGIN in self.mode else (0, self.lines - 1)
        self.y = min(max(y, top), bottom)
        self.x = min(max(x, 0), self.columns - 1)
        self.pending_wrap = False

    def cursor_position(self, line: Optional[int] = None, column: Optional[int] = None) -> None:
        first = self.span[0] if ORIGIN in self.mode else 0
        self.move_to(first + (line or 1) - 1, (column or 1) - 1)

    def cursor_to_line(self, line: Optional[int] = None) -> None:
        self.cursor_position(line, self.x + 1)

    def cursor_to_column(self, column: Optional[int] = None) -> None:
        self.move_to(self.y, (column or 1) - 1)

    def cursor_up(self, count: Optional[int] = None) -> None:
        limit = self.span[0] if self.y >= self.span[0] else 0
        self.y, self.pending_wrap = max(self.y - (count or 1), limit), False

    def cursor_down(self, count: Optional[int] = None) -> None:
        limit = self.span[1] if self.y <= self.span[1] else self.lines - 1
        self.y, self.pending_wrap = min(self.y + (count or 1), limit), False

    def cursor_back(self, count: Optional[int] = None) -> None:
        self.x, self.pending_wrap = max(self.x - (count or 1), 0), False

    def cursor_forward(self, count: Optional[int] = None) -> None:
        self.x, self.pending_wrap = min(self.x + (count or 1), self.columns - 1), False

    def cursor_up1(self, count: Optional[int] = None) -> None:
        self.cursor_up(count)
        self.x = 0

    def cursor_down1(self, count: Optional[int] = None) -> None:
        self.cursor_down(count)
        self.x = 0

    def rows_forward(self, count: int) -> None:
        """Move down whatever the margins, but in origin mode inside them (VPR)."""
        self.move_to(self.y + count, self.x)

    def rows_back(self, count: int) -> None:
        """Move up whatever the margins, but in origin mode inside them (VPB)."""
        self.move_to(self.y - count, self.x)

    def carriage_return(self) -> None:
        self.x = 0
        self.pending_wrap = False

    def backspace(self) -> None:
        self.cursor_back(1)

    def tab(self, count: int = 1) -> None:
        """Move to a later tab stop, or the last column, where a pending wrap stays (HT, CHT)."""
        stops = sorted(stop for stop in self.tabstops if self.x < stop < self.columns)
        stop = stops[count - 1] if count <= len(stops) else self.columns - 1
        if stop != self.x:
            self.x = stop
            self.pending_wrap = False

    def back_tab(self, count: int = 1) -> None:
        """Move to an earlier tab stop, or the first column (CBT)."""
        stops = sorted((stop for stop in self.tabstops if stop < self.x), reverse=True)
        self.x, self.pending_wrap = stops[count - 1] if count <= len(stops) else 0, False

    def set_tab_stop(self) -> None:
        self.tabstops.add(self.x)

    def clear_tab_stop(self, how: int = 0) -> None:
        if how == 0:
            self.tabstops.discard(self.x)
        elif how == 3:
            self.tabstops.clear()

    def regular_tab_stops(self, how: int = 0) -> None:
        """A tab stop every eight columns (DECST8C)."""
        if how == 5:
            self.tabstops = set(range(8, self.columns, 8))

    def save_cursor(self) -> None:
        """Keep place, pen, character sets and origin mode, one slot a screen (DECSC)."""
        place = (self.y, self.x, self.pending_wrap)
        self.side.saved = SavedCursor(*place, self.pen, self.charsets, ORIGIN in self.mode)

    def restore_cursor(self) -> None:
        """Bring back what was kept, or the cursor home as after a reset (DECRC)."""
        saved = self.side.saved or SavedCursor()
        self.y, self.x, self.pending_wrap = saved.row, saved.column, saved.pending_wrap
        self.mode = self.mode | {ORIGIN} if saved.origin else self.mode - {ORIGIN}
        self.charsets = saved.charsets
        self.set_pen(saved.pen)
