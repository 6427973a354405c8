"""Which key is the prefix: asked on the first run, since it is the one key sessions will not get."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Key
from textual.strip import Strip

from node_agent.terminal.prefix import PrefixReader
from relaytui.actions.action import LEGACY_CONFLICTS
from relaytui.screens.context import Context
from relaytui.screens.keys import control_key
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint

_WHY = (
    "While you type into a session every key goes to it but one, the prefix: after it, d leaves the session"
    " and ? lists what else there is. Twice, it is sent."
)
_HOW = "Press the key you want, ctrl and a character."


class PrefixScreen(PanelScreen[str]):
    """Dismissed with the prefix, or None where the operator would rather be asked another time."""

    widest = 72

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._prefix = context.prefix
        self._said = ""

    @property
    def heading(self) -> str:
        return "Which key shall be the prefix?"

    @property
    def hints(self) -> Sequence[Hint]:
        return (Hint(self.look.symbols.enter, f"take {self._prefix}"), Hint("esc", "ask me later"))

    def body(self, width: int) -> list[Strip]:
        look = self.look
        lines = [self.line(width).add(part, look.text).strip() for part in wrap(_WHY, width)]
        lines += [self.line(width).strip(), self.line(width).add(_HOW, look.text).strip(), self.line(width).strip()]
        lines.append(self.line(width).add(f"{look.symbols.pointer} ", look.key).add(self._prefix, look.strong).strip())
        said = [self.line(width).add(part, look.theme.style("failed")).strip() for part in wrap(self._said, width)]
        return [*lines, *(said if self._said else [])]

    async def on_key(self, event: Key) -> None:
        wanted = control_key(event)
        if wanted is None:
            await super().on_key(event)
            return
        event.stop()
        event.prevent_default()
        self._said = _objection(wanted)
        if not self._said:
            self._prefix = wanted
        self.rebuild()

    async def press(self, key: str) -> bool:
        if key == "enter":
            self.dismiss(self._prefix)
        return key == "enter"


def _objection(key: str) -> str:
    """Why a key cannot be the prefix, "" where it can."""
    if key in LEGACY_CONFLICTS:
        return f"{key} cannot be the prefix: terminals take it for something else, or stop at it"
    try:
        PrefixReader(key)
    except ValueError as error:
        return str(error)
    return ""
