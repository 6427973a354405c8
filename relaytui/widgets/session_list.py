"""Sessions as lines, for terminals too narrow for tiles: state, node/id, title, age."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import TileView

_WORD_FROM = 50
"""Columns from which the state's word stands beside its symbol."""


class SessionList(Canvas):
    DEFAULT_CSS = "SessionList { width: 1fr; height: 1fr; }"

    def __init__(self, look: Look, *, id: str | None = "list") -> None:
        super().__init__(look, id=id)
        self._views: Sequence[TileView] = ()
        self._focus = ""
        self._first = 0

    def show(self, views: Sequence[TileView], focus: str) -> None:
        self._views, self._focus = views, focus
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        at = next((index for index, view in enumerate(self._views) if view.key == self._focus), 0)
        self._first = max(0, min(max(min(self._first, at), at - height + 1), len(self._views) - height))
        shown = self._views[self._first : self._first + height]
        key_width = max((cell_len(view.key) for view in shown), default=0)
        return [self.line(view, width, min(key_width, width // 2)) for view in shown]

    def line(self, view: TileView, width: int, key_width: int) -> Strip:
        """One session in `width` columns, its name in a column of `key_width`."""
        look = self.look
        is_chosen = view.key == self._focus
        chosen = look.filled("asking" if view.is_asking else "focus") if is_chosen else None
        status = chosen or look.status(view.status)
        line = Line(width, chosen or look.base, look.symbols.ellipsis)
        line.add(f"{look.symbols.pointer if is_chosen else ' '}{look.symbols.status[view.status]} ", status)
        if width >= _WORD_FROM:
            line.add(f"{view.word:<10.10} ", status)
        key = Line(key_width, ellipsis=look.symbols.ellipsis).add(look.symbols.fold(view.key)).strip().text
        line.add(f"{key} ", chosen or look.strong)
        age = f" {view.age} "
        leave = cell_len(age) if line.room > cell_len(age) + 4 else 0
        title = Line(max(0, line.room - leave), ellipsis=look.symbols.ellipsis).add(look.symbols.fold(view.title))
        line.add(title.strip().text, chosen or look.muted)
        if leave:
            line.add(age, chosen or look.muted)
        return line.strip()
