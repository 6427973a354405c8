"""A session's screen as text, as parsing wants it: rows, the cursor, and what stands before it."""

from __future__ import annotations

from typing import Callable, List, NamedTuple, Sequence, Tuple

from node_agent.terminal.engine import Cell, Engine

_FRAME = "│┃║|▌▐"
_RULES = frozenset("─━═╌┄-╭╮╰╯┌┐└┘├┤╔╗╚╝▀▄ ")


class ScreenView(NamedTuple):
    """One screen. `before` is the text left of the cursor, with the rows it is wrapped from; `column` counts in it.

    `cells` reads a row's cells, for the colours that show which button is selected.
    """

    lines: Tuple[str, ...]
    row: int
    before: str
    after: str
    alternate: bool
    bracketed_paste: bool
    title: str
    cells: Callable[[int], Sequence[Cell]]

    @property
    def visible(self) -> List[int]:
        """Rows with anything on them."""
        return [row for row, line in enumerate(self.lines) if line.strip()]

    @property
    def bottom(self) -> str:
        """The last row with anything on it."""
        return next((line for line in reversed(self.lines) if line.strip()), "")

    @property
    def last_words(self) -> str:
        """The last row that says anything, without the box it stands in: the excerpt where no question was found."""
        line = next((line for line in reversed(self.lines) if line.strip() and not is_rule(line)), "")
        return unframed(line).strip()[:200]


def read_screen(engine: Engine) -> ScreenView:
    """Take the engine's screen as text."""
    cursor = engine.cursor
    modes = engine.modes
    lines = tuple(engine.text(row) for row in range(engine.rows))
    column = engine.columns if cursor.pending_wrap else cursor.column
    cells = engine.cells(cursor.row)
    before = "".join(cell.text for cell in cells[:column])
    after = "".join(cell.text for cell in cells[column:]).rstrip()
    row = cursor.row
    while row > 0 and cursor.row - row < 5 and engine.is_wrapped(row - 1):
        row -= 1
        before = lines[row] + before
    return ScreenView(
        lines, cursor.row, before, after, modes.alternate_screen, modes.bracketed_paste, engine.title, engine.cells
    )


def unframed(line: str) -> str:
    """The line without a box's sides, its indentation kept."""
    left = line.lstrip(" ")
    if left[:1] and left[0] in _FRAME:
        line = " " * (len(line) - len(left) + 1) + left[1:]
    right = line.rstrip()
    return right[:-1].rstrip() if right[-1:] and right[-1] in "│┃║▌▐" else right


def is_rule(line: str) -> bool:
    """Whether the line is only the edge of a box or a horizontal rule."""
    text = line.strip()
    return len(text) > 2 and not set(text) - _RULES
