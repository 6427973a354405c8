"""Moving in a list beside a session's screen."""

from __future__ import annotations

from relaytui.fleet.keys import SessionKey
from relaytui.screens.list_screen import ListScreen
from relaytui.screens.rules_switch import RulesSwitch

_FAR = 1_000_000


class ListActions(RulesSwitch):
    def __init__(self, screen: ListScreen) -> None:
        super().__init__(screen)
        self._list = screen
        self.scope = screen.scope

    @property
    def selected(self) -> SessionKey | None:
        return self._list.session

    def do_go_up(self) -> None:
        self._list.move(-1)

    def do_go_down(self) -> None:
        self._list.move(1)

    def do_go_first(self) -> None:
        self._list.move(-_FAR)

    def do_go_last(self) -> None:
        self._list.move(_FAR)

    def do_go_page_up(self) -> None:
        self._list.move(-self._list.page)

    def do_go_page_down(self) -> None:
        self._list.move(self._list.page)
