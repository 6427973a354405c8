"""Modal screens that are one panel: sized to their lines, scrolled by the usual keys, closed by escape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from textual.app import ComposeResult
from textual.events import Key, Resize
from textual.screen import ModalScreen
from textual.strip import Strip

from relaytui.screens.context import Context
from relaytui.screens.keys import key_name, take_key
from relaytui.widgets.look import Look
from relaytui.widgets.panel import SIDES, Panel
from relaytui.widgets.text import Line
from relaytui.widgets.view import Hint

T = TypeVar("T")

_MARGIN = 2
_SCROLL = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10, "home": -10_000, "end": 10_000}


class PanelScreen(ModalScreen[T], inherit_bindings=False):
    """Subclasses give the lines in `body` and the words around them, and take keys in `press`."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    PanelScreen { align: center middle; background: $role-background 55%; }
    PanelScreen:ansi { background: transparent; }
    """

    widest = 100
    role = "focus"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.panel = Panel(context.look, role=self.role, id="panel")

    def compose(self) -> ComposeResult:
        yield self.panel

    @property
    def look(self) -> Look:
        return self.context.look

    @property
    def heading(self) -> str:
        raise NotImplementedError

    @property
    def aside(self) -> str:
        """A word at the right of the heading."""
        return ""

    @property
    def hints(self) -> Sequence[Hint]:
        """The keys that count here."""
        return (Hint("esc", "close"),)

    @property
    def chosen_line(self) -> int | None:
        """The body's line that must stay in sight."""
        return None

    def body(self, width: int) -> list[Strip]:
        """Lines of `width` columns."""
        raise NotImplementedError

    async def press(self, key: str) -> bool:
        """Act on a key; whether it was one of this panel's."""
        return False

    def line(self, width: int) -> Line:
        """An empty line to fill."""
        return Line(width, self.look.base, self.look.symbols.ellipsis)

    def on_mount(self) -> None:
        self.rebuild()

    def on_resize(self, _: Resize) -> None:
        self.rebuild()

    def rebuild(self) -> None:
        """Ask for the lines again and fit the panel to them."""
        if not self.panel.is_mounted:
            return
        panel, area = self.panel, self.size
        width = max(1, min(self.widest, area.width - 2 * _MARGIN))
        body = self.body(max(1, width - SIDES))
        panel.heading, panel.aside, panel.hints = self.heading, self.aside, self.hints
        panel.styles.width = width
        panel.styles.height = max(1, min(len(body) + 2, area.height - _MARGIN))
        panel.show(body, keep=self.chosen_line)

    def tick(self) -> None:
        """Called by the console's clock; panels that show what changes rebuild."""

    async def on_key(self, event: Key) -> None:
        if not take_key(self, event):
            return
        name = key_name(event)
        if await self.press(name):
            return
        if name in ("escape", "q"):
            self.dismiss(None)
        elif name in _SCROLL:
            self.panel.scroll_lines(_SCROLL[name])
