"""The line at the bottom: keys that do something now, or for a moment what just happened."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.frame import add_hints
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import Hint

MESSAGE_SECONDS = 4.0
"""How long what just happened stands in place of the keys."""


class Footer(Canvas):
    DEFAULT_CSS = "Footer { height: 1; dock: bottom; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="footer")
        self._hints: Sequence[Hint] = ()
        self._right = ""
        self._message = ""
        self._role = "text"

    @property
    def message(self) -> str:
        """What stands in place of the keys, "" where the keys do."""
        return self._message

    def show(self, hints: Sequence[Hint], right: str = "") -> None:
        """The keys to offer, and a word at the right edge."""
        if (hints, right) != (self._hints, self._right):
            self._hints, self._right = hints, right
            self.redraw()

    def say(self, message: str, role: str = "text") -> None:
        """Show a message in place of the keys; "" shows the keys again."""
        self._message, self._role = message, role
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        look = self.look
        line = Line(width, look.bar, look.symbols.ellipsis)
        if self._message:
            return [line.add(" ").add(look.symbols.fold(self._message), look.theme.style(self._role)).strip()]
        right = f"{self._right} " if self._right else ""
        leave = cell_len(right) + 1 if right else 0
        add_hints(line, self._hints, look, leave=leave)
        if right and line.room > leave:
            line.fill(leave=cell_len(right)).add(right)
        return [line.strip()]
