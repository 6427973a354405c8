"""A framed box over the grid: a heading, lines that may scroll, and the keys that count in it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.frame import add_hints
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import Hint

SIDES = 4
"""Columns a panel's frame and margin take from its width."""
_EDGES = 2


class Panel(Canvas):
    DEFAULT_CSS = "Panel { width: 60; height: 10; }"

    def __init__(self, look: Look, *, role: str = "focus", id: str | None = None) -> None:
        super().__init__(look, id=id)
        self.heading = ""
        self.aside = ""
        self.hints: Sequence[Hint] = ()
        self.role = role
        self._body: Sequence[Strip] = ()
        self._first = 0

    @property
    def room(self) -> int:
        """Lines of the body that are in sight."""
        return max(0, self.size.height - _EDGES)

    def show(self, body: Sequence[Strip], *, keep: int | None = None) -> None:
        """Show these lines, each `SIDES` columns narrower than the panel; line `keep` stays in sight."""
        self._body = body
        if keep is not None and self.room:
            self._first = max(min(self._first, keep), keep - self.room + 1)
        self.scroll_lines(0)

    def scroll_lines(self, by: int) -> None:
        """Move on by a number of lines, not beyond the ends."""
        self._first = max(0, min(self._first + by, len(self._body) - self.room))
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        if width <= SIDES or height <= _EDGES:
            return []
        shown = self._body[self._first : self._first + height - _EDGES]
        is_cut_above, is_cut_below = self._first > 0, self._first + len(shown) < len(self._body)
        lines = [self._top(width, is_cut_above)]
        lines += [self._framed(strip, width) for strip in shown]
        lines += [self._framed(Strip([], 0), width)] * (height - _EDGES - len(shown))
        lines.append(self._bottom(width, is_cut_below))
        return lines

    def _top(self, width: int, is_cut: bool) -> Strip:
        look, border = self.look, self.look.symbols.round
        edge, style = border.dashed if is_cut else border.horizontal, look.theme.style(self.role)
        line = Line(width, look.base, look.symbols.ellipsis).add(border.top_left + edge, style)
        heading = Line(max(0, line.room - 4), ellipsis=look.symbols.ellipsis).add(look.symbols.fold(self.heading))
        line.add(f" {heading.strip().text.rstrip()} ", look.theme.style(self.role, bold=True))
        aside = f" {look.symbols.fold(self.aside)} " if self.aside else ""
        if aside and line.room > cell_len(aside) + 3:
            line.fill(edge, style, leave=cell_len(aside) + 2).add(aside, look.muted)
        return line.fill(edge, style, leave=1).add(border.top_right, style).strip()

    def _bottom(self, width: int, is_cut: bool) -> Strip:
        look, border = self.look, self.look.symbols.round
        edge, style = border.dashed if is_cut else border.horizontal, look.theme.style(self.role)
        line = Line(width, look.base, look.symbols.ellipsis).add(border.bottom_left + edge, style)
        add_hints(line, self.hints, look, leave=2)
        return line.fill(edge, style, leave=1).add(border.bottom_right, style).strip()

    def _framed(self, strip: Strip, width: int) -> Strip:
        look = self.look
        border, style = look.symbols.round, look.theme.style(self.role)
        side = Line(2, look.base).add(border.vertical, style).strip()
        back = Line(2, look.base).add(" ").add(border.vertical, style).strip()
        return Strip([*side, *strip.adjust_cell_length(width - SIDES, look.base), *back], width)
