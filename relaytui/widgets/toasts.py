"""Toasts: one line for each session that has just started asking, for a few seconds, in a corner nobody looks at."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.geometry import Offset, Region, Size
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import Status, TileView

MOST = 3
_WIDEST = 64
_EDGE = 3


def toast_place(toast: Size, area: Region, focus: Region | None) -> Offset | None:
    """Where a toast goes inside `area`: the first corner, from the bottom right on, that leaves `focus` uncovered."""
    if toast.width > area.width or toast.height > area.height:
        return None
    right, bottom = area.right - toast.width, area.bottom - toast.height
    for x, y in ((right, bottom), (area.x, bottom), (right, area.y), (area.x, area.y)):
        place = Region(x, y, toast.width, toast.height)
        if focus is None or not place.overlaps(focus):
            return Offset(x, y)
    return None


class Toasts(Canvas):
    """Takes no keys and no focus."""

    DEFAULT_CSS = "Toasts { layer: toasts; position: absolute; width: auto; height: auto; display: none; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="toasts")
        self._views: Sequence[TileView] = ()

    @property
    def views(self) -> Sequence[TileView]:
        return self._views

    def show(self, views: Sequence[TileView], area: Region, focus: Region | None) -> bool:
        """Show these sessions, newest last; whether there was a place for them."""
        self._views = views[-MOST:]
        width = min(_WIDEST, max((self._width(view) for view in self._views), default=0), area.width)
        size = Size(width, len(self._views))
        place = toast_place(size, area, focus) if self._views else None
        self.display = place is not None
        if place is not None:
            self.styles.width, self.styles.height = size
            self.styles.offset = place
            self.redraw()
        return place is not None

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        return [self._line(view, width) for view in self._views]

    def _width(self, view: TileView) -> int:
        return cell_len(f"{view.key} {view.title}") + len("◆ asks") + _EDGE + 5

    def _line(self, view: TileView, width: int) -> Strip:
        look = self.look
        line = Line(width, look.filled("asking"), look.symbols.ellipsis)
        line.add(f" {look.symbols.status[Status.ASKING]} {look.symbols.fold(view.key)} asks")
        return line.add(f" {look.symbols.separator} {look.symbols.fold(view.title)} ").strip()
