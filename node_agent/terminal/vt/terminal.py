"""The state of a `vt` terminal and the few operations everything else is made of.

`Terminal` owns the two screens, the cursor, margins and modes. What a sequence does is in the modules that take a
terminal as their first argument: `printing`, `movement`, `editing`, `modes`, `strings`. It knows no bytes and no
sequence. `x` and `y` are the cursor's column and row; with `pending` a wrap is due and `x` is on the last column.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Dict, FrozenSet, List, Optional, Protocol, Set, Tuple

from node_agent.terminal.checkpoint import DEFAULT_CHARSETS, Charsets, SavedCursor
from node_agent.terminal.engine import DEFAULT_PEN, EngineOptions, Event, EventKind, Pen
from node_agent.terminal.links import SeenLinks
from node_agent.terminal.queries import ReplyQueue
from node_agent.terminal.vt.charsets import translation
from node_agent.terminal.vt.history import History
from node_agent.terminal.vt.pens import BRUSHES
from node_agent.terminal.vt.row import CELLS, SHARED, Row, shared_row

EVENTS_KEPT = 256
TITLE_LIMIT = 4096
MODES_AT_RESET: FrozenSet[int] = frozenset([7, 25])


class HasEnd(Protocol):
    """A token, as far as the terminal looks at it: a match object mostly."""

    def end(self) -> int:
        """Where in the text being read it ends."""


class TokenEnd:
    """The end of a token that no match object stands for."""

    def __init__(self, end: int) -> None:
        self._end = end

    def end(self) -> int:
        """Where in the text being read it ends."""
        return self._end


NO_TOKEN = TokenEnd(0)


class Screen:
    """One of the two screens, with what is kept apart for each."""

    __slots__ = ("keyboard", "rows", "saved")

    def __init__(self, rows: List[Row]) -> None:
        self.rows = rows
        self.saved: Optional[SavedCursor] = None
        self.keyboard: List[int] = []


class Terminal:
    """A terminal of `columns` x `rows` after RIS."""

    __slots__ = (
        "_blanks",
        "alternate",
        "autowrap",
        "base",
        "bottom",
        "brush",
        "charsets",
        "columns",
        "cursor_style",
        "cwd",
        "events",
        "grid",
        "has_regular_tabs",
        "history",
        "icon",
        "insert",
        "keypad",
        "last",
        "left",
        "left_right",
        "links",
        "main",
        "modes",
        "modify_other_keys",
        "newline",
        "notifications",
        "options",
        "origin",
        "pending",
        "quick_stop",
        "replies",
        "right",
        "rows",
        "saved_modes",
        "screen",
        "single_shift",
        "tabs",
        "title",
        "titles",
        "token",
        "top",
        "translation",
        "x",
        "y",
    )

    def __init__(self, columns: int, rows: int, options: EngineOptions) -> None:
        self.columns = columns
        self.rows = rows
        self.options = options
        self.history = History(options.history)
        self.events: Deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.replies = ReplyQueue()
        self.base = 0  # journal offset of the text being read
        self.token: HasEnd = NO_TOKEN  # what is being done
        self.title = self.icon = self.cwd = ""
        self.titles: List[Tuple[str, str]] = []
        self.notifications: Dict[str, Tuple[str, str]] = {}
        self.links = SeenLinks()
        self._blanks: Dict[Pen, Row] = {}
        self.main = Screen([])
        self.alternate = Screen([])
        self.screen = self.main
        self.reset()

    def reset(self) -> None:
        """Everything as at power-on (RIS), but history, title and directory."""
        self.brush = BRUSHES.default
        blank = self.blank_row()
        for screen in (self.main, self.alternate):
            screen.rows = [blank] * self.rows
            screen.saved = None
            screen.keyboard = []
        self.grid: List[Row] = self.screen.rows
        self.switch(to_alternate=False)
        self.x = self.y = 0
        self.pending = False
        self.cursor_style = 0
        self.reset_tabs()
        self.saved_modes: Dict[int, bool] = {}
        self.titles = []
        self.reset_modes()

    def reset_modes(self) -> None:
        """Modes, margins and character sets as at power-on."""
        self.modes: Set[int] = set(MODES_AT_RESET)
        self.autowrap = True
        self.origin = self.insert = self.newline = self.left_right = self.keypad = False
        self.modify_other_keys = 0
        self.charsets: Charsets = DEFAULT_CHARSETS
        self.translation: Optional[Dict[int, str]] = None
        self.single_shift: Optional[Dict[int, str]] = None
        self.last = ""
        self.reset_margins()

    def reset_margins(self) -> None:
        """Margins at the edges."""
        self.top = self.left = 0
        self.bottom = self.rows - 1
        self.right = self.columns - 1
        self.note_printing_state()

    def reset_tabs(self) -> None:
        """A tab stop every eight columns."""
        self.tabs = list(range(8, self.columns, 8))
        self.has_regular_tabs = True

    def note_printing_state(self) -> None:
        """Set `quick_stop`: ASCII text that ends before this column prints without any special case."""
        special = self.insert or self.left_right or self.translation or self.single_shift is not None
        self.quick_stop = 0 if special else self.columns

    def set_charsets(self, charsets: Charsets) -> None:
        """Designate and invoke character sets."""
        self.charsets = charsets
        self.translation = translation(charsets[charsets[4]])  # type: ignore[arg-type]  # GL is 0 to 3: a final
        self.note_printing_state()

    @property
    def offset(self) -> int:
        """The journal offset after the token in hand."""
        return self.base + self.token.end()

    def emit(self, kind: EventKind, text: str = "") -> None:
        """Tell the engine's user something."""
        self.events.append(Event(kind, text, self.offset))

    # rows

    def blank_row(self, fill: Optional[Pen] = None) -> Row:
        """A shared blank row, under the background in force unless another is given."""
        if fill is None:
            fill = self.brush.fill
        blank = self._blanks.get(fill)
        if blank is None:
            if len(self._blanks) > 64:
                self._blanks.clear()
            blank = self._blanks[fill] = shared_row([], fill)
        return blank

    def forget_blanks(self) -> None:
        """Make new shared rows from now on, since old ones were of another width."""
        self._blanks.clear()

    def own(self, y: int) -> Row:
        """Row `y`, made its own if it was shared."""
        row = self.grid[y]
        if row.length == SHARED:
            row = self.grid[y] = row.owned()
        return row

    def keep(self, row: Row) -> None:
        """Put a row into history."""
        row.settle()
        runs = row.runs
        if row.fill is DEFAULT_PEN and not row.wrapped and not row.clustered and row.length != CELLS:
            if not runs:
                self.history.add_plain_row("")
                return
            if len(runs) == 2 and runs[1] is DEFAULT_PEN:
                self.history.add_plain_row(runs[0].rstrip(" "))
                return
        self.history.add(row.packed(self.columns))

    # scrolling

    def index(self) -> None:
        """One row down, scrolling at the bottom margin (IND, LF)."""
        self.pending = False
        y = self.y
        if y != self.bottom:
            if y < self.rows - 1:
                self.y = y + 1
        elif self.left_right:
            if self.left <= self.x <= self.right:
                self.scroll_up(1)
        else:
            grid = self.grid
            top = self.top
            row = grid.pop(top)
            if top:
                self.end_line(top - 1)
            elif self.screen is self.main:
                self.keep(row)
            grid.insert(y, self.blank_row())

    def reverse_index(self) -> None:
        """One row up, scrolling at the top margin (RI)."""
        self.pending = False
        if self.y == self.top:
            if self.left <= self.x <= self.right:
                self.scroll_down(1)
        elif self.y:
            self.y -= 1

    def scroll_up(self, count: int) -> None:
        """Scroll the region up (SU); rows that leave the main screen at its top go to history."""
        if self.top == 0 and self.screen is self.main and not self.is_narrowed:
            for row in self.grid[: min(count, self.bottom + 1)]:
                self.keep(row)
        self.delete_rows(self.top, count)

    def scroll_down(self, count: int) -> None:
        """Scroll the region down (SD)."""
        self.insert_rows(self.top, count)

    @property
    def is_narrowed(self) -> bool:
        """Whether the margins leave out a column."""
        return self.left_right and (self.left > 0 or self.right < self.columns - 1)

    def delete_rows(self, y: int, count: int) -> None:
        """Delete `count` rows at `y` inside the margins."""
        count = min(count, self.bottom - y + 1)
        if self.is_narrowed:
            self._shift(y, self.bottom, count)
            return
        self.end_line(y - 1)
        self.end_line(self.bottom)
        grid = self.grid
        del grid[y : y + count]
        grid[self.bottom - count + 1 : self.bottom - count + 1] = [self.blank_row()] * count

    def insert_rows(self, y: int, count: int) -> None:
        """Insert `count` blank rows at `y` inside the margins."""
        count = min(count, self.bottom - y + 1)
        if self.is_narrowed:
            self._shift(y, self.bottom, -count)
            return
        self.end_line(y - 1)
        self.end_line(self.bottom)
        self.end_line(self.bottom - count)
        grid = self.grid
        del grid[self.bottom - count + 1 : self.bottom + 1]
        grid[y:y] = [self.blank_row()] * count

    def end_line(self, y: int) -> None:
        """Note that row `y`, if there is one, is not continued by the next any more."""
        if y >= 0 and self.grid[y].wrapped:
            self.grid[y].wrapped = False

    def _shift(self, first: int, last: int, count: int) -> None:
        """Move the columns between the margins up by `count` rows, down when negative."""
        left, stop, columns = self.left, self.right + 1, self.columns
        rows = []
        for y in range(first, last + 1):
            row = self.own(y)
            row.use_cells(columns)
            row.part(left)
            row.part(stop)
            rows.append(row)
        contents = [(row.texts[left:stop], row.pens[left:stop], row.wide) for row in rows]
        blank = ([" "] * (stop - left), [self.brush.fill] * (stop - left), False)
        for index, row in enumerate(rows):
            source = index + count
            texts, pens, wide = contents[source] if 0 <= source < len(rows) else blank
            row.texts[left:stop] = texts
            row.pens[left:stop] = pens
            row.wide = row.wide or wide
            row.wrapped = False
            row.stamp = 0

    # cursor

    def save_cursor(self) -> None:
        """Save cursor, pen and character sets for this screen (DECSC)."""
        self.screen.saved = SavedCursor(self.y, self.x, self.pending, self.brush.pen, self.charsets, self.origin)

    def restore_cursor(self) -> None:
        """Bring back what was saved for this screen, or the power-on values (DECRC)."""
        saved = self.screen.saved or SavedCursor()
        self.y = min(saved.row, self.rows - 1)
        self.x = min(saved.column, self.columns - 1)
        self.pending = saved.pending_wrap and self.x == saved.column
        self.set_pen(saved.pen)
        self.origin = saved.origin
        self.set_charsets(saved.charsets)

    def set_pen(self, pen: Pen) -> None:
        """Draw with `pen` from now on."""
        self.brush = BRUSHES.of(pen)

    def switch(self, to_alternate: bool) -> None:
        """Show the other screen, if it is not shown already."""
        screen = self.alternate if to_alternate else self.main
        if screen is not self.screen:
            self.screen = screen
            self.grid = screen.rows
            self.emit(EventKind.ALTERNATE_SCREEN, "on" if to_alternate else "off")

    def clear_alternate(self) -> None:
        """Blank the alternate screen, whatever is shown; nothing of it is worth keeping once it is left."""
        self.alternate.rows[:] = [self.blank_row(DEFAULT_PEN)] * self.rows
        self.alternate.saved = None

    def clear_grid(self) -> None:
        """Blank every row of the shown screen."""
        self.grid[:] = [self.blank_row()] * self.rows
