"""One line of input at the bottom: the filter, a line to send.

It takes keys from its screen, not by focus: keys typed ahead of it, in one burst with the one that opened it, are
still on their way to the screen and must not be lost or taken for commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message
from textual.strip import Strip

from node_agent.terminal.sanitise import sanitise
from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line

_LABEL_LIMIT = 60
_TEXT_LIMIT = 4000


class PromptBar(Canvas):
    """Hidden until opened. Says what was typed on every change, and at the end whether it is meant."""

    DEFAULT_CSS = "PromptBar { height: 1; dock: bottom; display: none; }"

    class Typed(Message):
        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Done(Message):
        """`text` is None when the operator gave it up."""

        def __init__(self, purpose: str, text: str | None) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="prompt")
        self._purpose = ""
        self._label = ""
        self._text = ""
        self._placeholder = ""

    @property
    def is_open(self) -> bool:
        return bool(self._purpose)

    def open(self, purpose: str, label: str, text: str = "", placeholder: str = "") -> None:
        """Ask for a line for `purpose`."""
        self._purpose, self._text, self._placeholder = purpose, text, placeholder
        self._label = sanitise(label, _LABEL_LIMIT)
        self.display = True
        self.redraw()

    def press(self, key: str) -> None:
        """Take a key by its name."""
        match key:
            case "enter":
                self._finish(self._text)
            case "escape":
                self._finish(None)
            case "backspace":
                self._change(self._text[:-1])
            case "ctrl+u":
                self._change("")
            case "ctrl+w":
                self._change(self._text.rstrip().rpartition(" ")[0])
            case "space":
                self._change(self._text + " ")
            case _ if len(key) == 1:
                self._change(self._text + key)

    def paste(self, text: str) -> None:
        """Take the first line of a pasted text."""
        self._change(self._text + sanitise(text.partition("\n")[0], _TEXT_LIMIT))

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        look = self.look
        line = Line(width, look.bar, look.symbols.ellipsis).add(f" {self._label} ", look.key)
        shown = look.symbols.fold(self._text)
        line.add(shown[-max(0, line.room - 1) :] if line.room > 1 else "", look.text).add(" ", look.filled("focus"))
        if not self._text:
            line.add(f" {self._placeholder}")
        return [line.strip()]

    def _change(self, text: str) -> None:
        self._text = text[:_TEXT_LIMIT]
        self.redraw()
        self.post_message(self.Typed(self._purpose, self._text))

    def _finish(self, text: str | None) -> None:
        purpose, self._purpose = self._purpose, ""
        self.display = False
        self.post_message(self.Done(purpose, text))
