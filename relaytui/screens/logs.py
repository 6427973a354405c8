"""What a session has printed, as lines to scroll through; it opens at the end."""

from __future__ import annotations

from textual.strip import Strip

from node_agent.protocol.logs import LogLines
from node_agent.terminal.sanitise import mask_hidden
from relaytui.fleet.views import SessionView
from relaytui.screens.context import Context
from relaytui.screens.panel import PanelScreen
from relaytui.screens.views import session_title

TAIL = 1000
"""Lines that are asked for: what is older is for `relaytui logs`."""


class LogsScreen(PanelScreen[None]):
    widest = 160

    def __init__(self, context: Context, session: SessionView, logs: LogLines) -> None:
        super().__init__(context)
        self._session = session
        self._lines = [mask_hidden(line) for line in logs.lines] or ["It has printed nothing."]

    @property
    def heading(self) -> str:
        return f"{self._session.key} {session_title(self._session.info)}"

    @property
    def aside(self) -> str:
        return f"the last {TAIL} lines" if len(self._lines) >= TAIL else ""

    def body(self, width: int) -> list[Strip]:
        symbols = self.look.symbols
        return [self.line(width).add(symbols.fold(line), self.look.text).strip() for line in self._lines]

    def on_mount(self) -> None:
        super().on_mount()
        self.panel.scroll_lines(len(self._lines))
