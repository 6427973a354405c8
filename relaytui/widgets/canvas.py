"""A widget that is a list of lines: redrawn whole when its content changes, repainted only where a line differs."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from relaytui.widgets.look import Look
from relaytui.widgets.text import blank


class Canvas(Widget):
    """Subclasses return their lines from `draw`; `redraw` is called when what they show has changed."""

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self._lines: Sequence[Strip] = ()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        """At most `height` lines of `width` columns."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again and repaint the lines that changed."""
        width, height = self.size
        if not width or not height:
            return
        before, self._lines = self._lines, self.draw(width, height)
        for y in range(max(len(before), len(self._lines))):
            if y >= len(before) or y >= len(self._lines) or before[y] != self._lines[y]:
                self.refresh(Region(0, y, width, 1))

    def set_look(self, look: Look) -> None:
        """Draw in another theme from now on."""
        self.look = look
        self._lines = ()
        self.redraw()
        self.refresh()

    def on_resize(self) -> None:
        self._lines = ()
        self.redraw()

    def render_line(self, y: int) -> Strip:
        return self._lines[y] if y < len(self._lines) else blank(self.size.width, self.look.base)
