"""The inbox, full screen: every open ask of every node, longest waiting first, beside the session that asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from node_agent.terminal.sanitise import sanitise
from relaytui.actions.action import Scope
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import AskView
from relaytui.screens.ask_actions import AskActions
from relaytui.screens.context import Context
from relaytui.screens.desk import Desk, is_put_aside
from relaytui.screens.list_actions import ListActions
from relaytui.screens.list_screen import ListScreen
from relaytui.screens.views import ask_row
from relaytui.widgets.view import Fact, RowView

_EXCERPT_LIMIT = 2000
_PUT_ASIDE = "Put aside"


class InboxScreen(ListScreen):
    scope = Scope.INBOX

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.actions: InboxActions = InboxActions(self)
        focus = context.desk.focus
        ask = None if focus is None else context.desk.ask_of(focus)
        self.chosen = "" if ask is None else ask_id(ask)

    @property
    def heading(self) -> tuple[str, str]:
        return inbox_heading(self.context.desk, self.context.now())

    @property
    def ask(self) -> AskView | None:
        """The chosen one, as long as it is open."""
        return next((view for view in self.context.desk.inbox(self.context.now()) if ask_id(view) == self.chosen), None)

    @property
    def session(self) -> SessionKey | None:
        return None if self.ask is None else self.ask.key

    def rows(self, now: float) -> Sequence[RowView]:
        return inbox_rows(self.context, now)

    def facts(self, now: float) -> Sequence[Fact]:
        view = self.ask
        if view is None:
            return (Fact("", "Nothing is asked.", "muted"),)
        if view.key is not None:
            return ()
        excerpt = sanitise(view.ask.excerpt, _EXCERPT_LIMIT, multiline=True)
        where = f"{view.ask.program or 'a program'} on {view.node}, outside any session: answer it there"
        return (Fact("", sanitise(where, _EXCERPT_LIMIT), "muted"), Fact("", ""), Fact("", excerpt))


class InboxActions(AskActions, ListActions):
    def __init__(self, inbox: InboxScreen) -> None:
        super().__init__(inbox)
        self._inbox = inbox

    @property
    def selected_ask(self) -> AskView | None:
        return self._inbox.ask

    def _go_on(self, key: SessionKey, wish: str | None) -> None:
        view = self._desk.ask_of(key)
        if view is not None:
            self._inbox.chosen = ask_id(view)
        super()._go_on(key, wish)

    def do_inbox_close(self) -> None:
        if self.selected is not None:
            self._desk.go_to(self.selected, self._context.now())
        self._inbox.dismiss()


def inbox_rows(context: Context, now: float) -> list[RowView]:
    """The inbox's lines; those put aside under a heading of their own."""
    desk = context.desk
    rows = [ask_row(view, desk.fleet, now, context.operator) for view in desk.inbox(now)]
    return [replace(row, section=_PUT_ASIDE) if row.is_faded else row for row in rows]


def inbox_heading(desk: Desk, now: float) -> tuple[str, str]:
    """What stands over them."""
    asks = desk.inbox(now)
    aside = sum(is_put_aside(view.ask) for view in asks)
    words = [f"{len(asks) - aside} waiting" if len(asks) > aside else "nothing waits"]
    return "Inbox", ", ".join([*words, f"{aside} put aside"] if aside else words)


def ask_id(view: AskView) -> str:
    """What the inbox calls an ask: ids are unique in a node."""
    return f"{view.node}/{view.ask.id}"
