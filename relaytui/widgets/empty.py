"""What stands where tiles would: how to get some, or why none is shown."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line, blank

_COLUMN = 26


class EmptyState(Canvas):
    DEFAULT_CSS = "EmptyState { width: 1fr; height: 1fr; display: none; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="empty")
        self._title = ""
        self._ways: Sequence[tuple[str, str, str]] = ()

    def show(self, title: str, ways: Sequence[tuple[str, str, str]]) -> None:
        """`ways` are key ("" where there is none), what it does, and the command that does the same."""
        if (title, ways) != (self._title, self._ways):
            self._title, self._ways = title, ways
            self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        look = self.look
        lines = [
            Line(width, look.base).add(f"  {look.symbols.fold(self._title)}", look.strong).strip(),
            blank(width, look.base),
        ]
        for key, what, command in self._ways:
            line = Line(width, look.base, ellipsis=look.symbols.ellipsis).add(f"    {key:<3}", look.key)
            line.add(f"{what:<{_COLUMN}}", look.text).add(command, look.muted)
            lines.append(line.strip())
        above = max(0, (height - len(lines)) // 3)
        return [*[blank(width, look.base)] * above, *lines][:height]
