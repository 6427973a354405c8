"""A screen that stands still: the part of an engine that detection reads, made from text."""

from __future__ import annotations

from collections.abc import Sequence

from node_agent.detect.view import ScreenView, read_screen
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Cursor, Flag, Modes, Pen


class StillEngine:
    """Rows of single-width text; the cursor stands where `cursor` says, or after the text."""

    def __init__(
        self,
        text: str,
        columns: int = 100,
        rows: int = 24,
        cursor: tuple[int, int] | None = None,
        modes: Modes = Modes(),  # noqa: B008 - an immutable value
        title: str = "",
        inverse: str = "",
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.modes = modes
        self.title = title
        self._inverse = inverse
        self._stamp = 0
        self.show(text, cursor)

    def show(self, text: str, cursor: tuple[int, int] | None = None) -> None:
        """Replace the screen."""
        lines = text.split("\n")
        padded = lines + [""] * (self.rows - len(lines))
        old = getattr(self, "_lines", [None] * self.rows)
        self._lines = padded[: self.rows]
        stamps = getattr(self, "_stamps", [0] * self.rows)
        self._stamps = [
            stamp if line == before else self._next()
            for stamp, line, before in zip(stamps, self._lines, old, strict=True)
        ]
        row, column = cursor if cursor else (len(lines) - 1, len(lines[-1]))
        self.cursor = Cursor(row, min(column, self.columns - 1), True, 0, False)

    def _next(self) -> int:
        self._stamp += 1
        return self._stamp

    def stamps(self) -> Sequence[int]:
        return self._stamps

    def text(self, row: int) -> str:
        return self._lines[row].rstrip()

    def is_wrapped(self, row: int) -> bool:
        return False

    def cells(self, row: int) -> Sequence[Cell]:
        line = self._lines[row].ljust(self.columns)
        start = line.find(self._inverse) if self._inverse else -1
        marked = range(start, start + len(self._inverse)) if start >= 0 else range(0)
        return [
            Cell(char, Pen(flags=int(Flag.INVERSE)) if at in marked else DEFAULT_PEN) for at, char in enumerate(line)
        ]


def view_of(text: str, **options: object) -> ScreenView:
    """The view of a still screen."""
    return read_screen(StillEngine(text, **options))  # type: ignore[arg-type] # the part of Engine that is read
