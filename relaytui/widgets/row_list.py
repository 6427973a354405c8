"""A list with one chosen line, under headings: asks, jobs. Narrow lists give each two lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line, blank
from relaytui.widgets.view import RowView, Status

ONE_LINE_FROM = 84
"""Columns from which a row stands on one line."""

_MOST_NAME = 24
_MOST_TITLE = 32
_EDGE = 2


class RowList(Canvas):
    """Keeps the chosen row in sight. With `has_edge` a line at the left sets it off from what it stands beside."""

    DEFAULT_CSS = "RowList { width: 1fr; height: 1fr; }"

    def __init__(self, look: Look, *, has_edge: bool = False, id: str | None = None) -> None:
        super().__init__(look, id=id)
        self._has_edge = has_edge
        self._heading = ""
        self._aside = ""
        self._rows: Sequence[RowView] = ()
        self._chosen = ""
        self._first = 0

    def show(self, heading: str, aside: str, rows: Sequence[RowView], chosen: str) -> None:
        """`chosen` is the id of a row, `aside` a word beside the heading."""
        now = (heading, aside, rows, chosen)
        if now != (self._heading, self._aside, self._rows, self._chosen):
            self._heading, self._aside, self._rows, self._chosen = now
            self.redraw()

    @property
    def page(self) -> int:
        """How many rows are in sight at once."""
        return max(1, (self.size.height - 2) // self._height_of_row(self.size.width))

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        inner = width - _EDGE if self._has_edge else width
        lines, chosen_lines = self._body(inner)
        room = max(0, height - 1)
        if chosen_lines is not None:
            self._first = min(max(self._first, chosen_lines.stop - room), chosen_lines.start)
        self._first = max(0, min(self._first, len(lines) - room))
        shown = [self._head(inner), *lines[self._first : self._first + room]]
        if not self._has_edge:
            return shown
        shown += [blank(inner, self.look.base)] * (height - len(shown))
        return [self._edged(strip, width) for strip in shown]

    def _height_of_row(self, width: int) -> int:
        return 1 if width >= ONE_LINE_FROM else 2

    def _head(self, width: int) -> Strip:
        look = self.look
        line = Line(width, look.base, look.symbols.ellipsis).add(f" {look.symbols.fold(self._heading)}", look.strong)
        return line.add(f"   {look.symbols.fold(self._aside)}", look.muted).strip()

    def _body(self, width: int) -> tuple[list[Strip], range | None]:
        """All lines, and which of them are the chosen row's with the heading above it."""
        look = self.look
        words = max((cell_len(row.word) for row in self._rows), default=0)
        names = min(_MOST_NAME, max((cell_len(row.name) for row in self._rows), default=0), max(8, width // 3))
        titles = min(_MOST_TITLE, max((cell_len(row.title) for row in self._rows), default=0), max(8, width // 4))
        lines: list[Strip] = []
        chosen: range | None = None
        section = ""
        for row in self._rows:
            start = len(lines)
            if row.section != section:
                section = row.section
                if lines:
                    lines.append(blank(width, look.base))
                lines.append(Line(width, look.base, look.symbols.ellipsis).add(f" {section}", look.muted).strip())
            if self._height_of_row(width) == 1:
                lines.append(self._one_line(row, width, words, names, titles))
            else:
                lines += self._two_lines(row, width, words)
            if row.id == self._chosen:
                chosen = range(start, len(lines))
        return lines, chosen

    def _one_line(self, row: RowView, width: int, words: int, names: int, titles: int) -> Strip:
        look = self.look
        line = self._lead(row, width, words)
        for text, columns, style in ((row.name, names, look.strong), (row.title, titles, look.text)):
            part = Line(columns, ellipsis=look.symbols.ellipsis).add(look.symbols.fold(text)).strip().text
            line.add(f"{part}  ", self._style(row, style))
        return self._finish(row, line, look.symbols.fold(row.detail))

    def _two_lines(self, row: RowView, width: int, words: int) -> Iterable[Strip]:
        look = self.look
        line = self._lead(row, width, words).add(f"{look.symbols.fold(row.name)}  ", self._style(row, look.strong))
        yield line.add(look.symbols.fold(row.title), self._style(row, look.muted)).strip()
        if not row.detail and not row.marks:
            return
        below = Line(width, self._style(row, look.base), look.symbols.ellipsis).add(" " * (words + 6))
        yield self._finish(row, below, look.symbols.fold(row.detail))

    def _lead(self, row: RowView, width: int, words: int) -> Line:
        look = self.look
        line = Line(width, self._style(row, look.base), look.symbols.ellipsis)
        line.add(look.symbols.pointer if row.id == self._chosen else " ", self._style(row, look.key))
        status = self._style(row, look.status(row.status))
        return line.add(f"{look.symbols.status[row.status]} {row.word:<{words}}  ", status)

    def _finish(self, row: RowView, line: Line, text: str) -> Strip:
        """The rest of a row: what it says, and at the right edge its marks."""
        look = self.look
        marks = look.symbols.fold(row.marks)
        leave = cell_len(marks) + 2 if marks else 0
        if line.room <= leave:
            leave = 0
        said = Line(max(0, line.room - leave), ellipsis=look.symbols.ellipsis).add(text).strip().text
        line.add(said, self._style(row, look.text))
        if leave:
            line.add(f" {marks} ", self._style(row, look.muted))
        return line.strip()

    def _style(self, row: RowView, style: Style) -> Style:
        look = self.look
        if row.id == self._chosen:
            return look.filled("asking" if row.status is Status.ASKING and not row.is_faded else "focus")
        return look.base + look.theme.style("lost") if row.is_faded else style

    def _edged(self, strip: Strip, width: int) -> Strip:
        look = self.look
        edge = Line(_EDGE, look.base).add(look.symbols.light.vertical, look.border_line).strip()
        return Strip([*edge, *strip], width)
