"""A question a link has to put to the operator: a passphrase, a one-time code, whatever a server asks at login."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Paste
from textual.strip import Strip

from node_agent.terminal.sanitise import sanitise
from relaytui.link.prompts import Prompt
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint

_LIMIT = 500


class QuestionScreen(PanelScreen[str]):
    """Dismissed with the answer, or None when the operator declined. An answer that is secret is never shown."""

    widest = 76

    def __init__(self, context: Context, prompt: Prompt) -> None:
        super().__init__(context)
        self._prompt = prompt
        self._typed = ""

    @property
    def heading(self) -> str:
        return f"{sanitise(self._prompt.node, _LIMIT)} asks"

    @property
    def hints(self) -> Sequence[Hint]:
        return (Hint(self.look.symbols.enter, "answer"), Hint("esc", "not now"))

    def body(self, width: int) -> list[Strip]:
        text = sanitise(self._prompt.text, _LIMIT)
        shown = self._typed if self._prompt.echo else "*" * len(self._typed)
        field = self.line(width).add(f"{self.look.symbols.pointer} ", self.look.key)
        field.add(self.look.symbols.fold(shown)).add(" ", self.look.filled("focus"))
        lines = [self.line(width).add(part).strip() for part in wrap(text, width)]
        return [*lines, self.line(width).strip(), field.strip()]

    async def press(self, key: str) -> bool:
        match key:
            case "escape":
                return False
            case "enter":
                self.dismiss(self._typed)
                return True
            case "backspace":
                self._typed = self._typed[:-1]
            case "ctrl+u":
                self._typed = ""
            case "space":
                self._typed += " "
            case _ if len(key) == 1:
                self._typed += key
        self.rebuild()
        return True

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._typed += event.text.partition("\n")[0]
        self.rebuild()
