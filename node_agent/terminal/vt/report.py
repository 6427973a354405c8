"""What a terminal's answers to queries are made of."""

from __future__ import annotations

from typing import Optional, Tuple

from node_agent.terminal.engine import Pen
from node_agent.terminal.vt.modes import is_set
from node_agent.terminal.vt.terminal import Terminal


class Report:
    """A `Terminal` as `queries.QueryView`."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.columns = terminal.columns
        self.rows = terminal.rows

    @property
    def report_position(self) -> Tuple[int, int]:
        terminal = self._terminal
        if terminal.origin:
            return terminal.y - terminal.top + 1, terminal.x - terminal.left + 1
        return terminal.y + 1, terminal.x + 1

    @property
    def report_margins(self) -> Tuple[int, int, int, int]:
        terminal = self._terminal
        return terminal.top, terminal.bottom, terminal.left, terminal.right

    @property
    def report_pen(self) -> Pen:
        return self._terminal.brush.pen

    @property
    def report_style(self) -> int:
        return self._terminal.cursor_style

    @property
    def report_keyboard(self) -> Tuple[int, int]:
        keyboard = self._terminal.screen.keyboard
        return keyboard[-1] if keyboard else 0, self._terminal.modify_other_keys

    def report_mode(self, mode: int, private: bool) -> Optional[bool]:
        return is_set(self._terminal, mode, private)
