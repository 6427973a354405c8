"""A full screen that is a list beside what is known of the chosen line: facts, and its session's screen, live."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Key, Paste

from relaytui.actions.action import Scope, key_label
from relaytui.actions.catalog import ACTIONS
from relaytui.fleet.changes import Change, ScreenChanged, Warned
from relaytui.fleet.keys import SessionKey
from relaytui.screens.context import Context
from relaytui.screens.keys import key_name, take_key
from relaytui.screens.live import LiveScreen
from relaytui.screens.performer import Performer
from relaytui.screens.views import summary_view, tile_view
from relaytui.widgets.lines import Lines
from relaytui.widgets.look import Look
from relaytui.widgets.prompt_bar import PromptBar
from relaytui.widgets.row_list import RowList
from relaytui.widgets.status_line import StatusLine
from relaytui.widgets.tile import Tile
from relaytui.widgets.view import Fact, RowView

SIDE_BY_SIDE_FROM = 100
"""Columns from which the chosen line's session stands beside the list, not below it."""

_PREVIEW_FROM = 14
"""Rows from which there is room for it at all."""

_BELOW = 0.5
"""The share of the rows the list keeps where the session stands below it."""


class ListScreen(LiveScreen[None]):
    """Subclasses give the rows, the facts of the chosen one and the session it belongs to."""

    CSS_PATH = "list.tcss"
    scope: Scope
    actions: Performer

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.chosen = ""
        self._place = 0
        look = context.look
        self._status = StatusLine(look)
        self._rows = RowList(look, id="rows")
        self._facts = Lines(look, id="facts")
        self._preview = Tile(look, id="preview")
        self._body = Container(id="body")
        self._prompt = PromptBar(look)
        self._previewed: SessionKey | None = None
        self._second = -1

    # What subclasses say ----------------------------------------------------------------------------------------------

    @property
    def heading(self) -> tuple[str, str]:
        """What the list is, and a word beside that."""
        raise NotImplementedError

    def rows(self, now: float) -> Sequence[RowView]:
        raise NotImplementedError

    def facts(self, now: float) -> Sequence[Fact]:
        """What stands above the chosen line's session."""
        raise NotImplementedError

    @property
    def session(self) -> SessionKey | None:
        """The chosen line's session."""
        raise NotImplementedError

    def settle(self, ids: Sequence[str]) -> None:
        """Keep a line chosen: the same one, else the one that takes its place."""
        if self.chosen in ids:
            self._place = ids.index(self.chosen)
        elif ids:
            self._place = min(self._place, len(ids) - 1)
            self.chosen = ids[self._place]
        else:
            self.chosen = ""

    def move(self, by: int) -> None:
        """Choose a line further down, or up."""
        ids = [row.id for row in self.rows(self.context.now())]
        if ids:
            self._place = max(0, min(len(ids) - 1, self._place + by))
            self.chosen = ids[self._place]
        self.arrange_sessions()

    @property
    def page(self) -> int:
        return self._rows.page

    # Drawing ----------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self._status
        with self._body:
            yield self._rows
            with Vertical(id="beside"):
                yield self._facts
                yield self._preview
        yield self._prompt
        yield self._footer

    def on_mount(self) -> None:
        self.arrange_sessions()

    def tick(self) -> None:
        if not self.is_in_sight:
            return
        if int(self.context.now()) != self._second:
            self.arrange_sessions()
        self.flush()

    def arrange_sessions(self) -> None:
        if not self._footer.is_mounted:
            return
        now = self.context.now()
        self._second = int(now)
        self._status.show(summary_view(self.context.desk, now, time.localtime(time.time())))
        self._fit()
        rows = self.rows(now)
        self.settle([row.id for row in rows])
        self._rows.show(*self.heading, rows, self.chosen)
        self._facts.show(self.facts(now), max(3, self.size.height // 3))
        self._show_preview(now)
        self._offer(self._hints(ACTIONS.footer(self.actions.situation(), self.scope)))

    def _fit(self) -> None:
        is_wide = self.size.width >= SIDE_BY_SIDE_FROM
        self._body.set_class(is_wide, "-wide")
        self._rows.styles.height = "1fr" if is_wide else max(3, int(self.size.height * _BELOW))
        self.query_one("#beside").display = is_wide or self.size.height >= _PREVIEW_FROM

    def _show_preview(self, now: float) -> None:
        key, fleet = self.session, self.context.desk.fleet
        view = None if key is None else fleet.sessions.get(key)
        self._previewed = key
        self._preview.display = view is not None
        if view is None or key is None:
            self._look_at([])
            return
        self._look_at([key])
        tile = tile_view(view, fleet, now, self.context.operator)
        self._preview.show(tile, is_focused=False)
        self.flush()

    def _look_at(self, keys: list[SessionKey]) -> None:
        if self.is_in_sight:
            self.context.watcher.look_at(keys, *keys)

    def flush(self) -> None:
        """Repaint the rows of the chosen line's session that changed."""
        if self._previewed is not None:
            self._preview.flush(self.context.desk.fleet.screen(self._previewed))

    def set_look(self, look: Look) -> None:
        self._preview.set_look(look)
        for canvas in (self._status, self._rows, self._facts, self._prompt, self._footer):
            canvas.set_look(look)

    # What happens -----------------------------------------------------------------------------------------------------

    def note(self, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case ScreenChanged(key):
                    if key == self._previewed:
                        self.flush()
                    continue
                case Warned(_, text):
                    self.say(text, "asking")
            self._second = -1

    def on_resize(self) -> None:
        self._second = -1

    def on_screen_resume(self) -> None:
        self._second = -1

    async def on_key(self, event: Key) -> None:
        if not take_key(self, event):
            return
        name = key_name(event)
        self.context.key_pressed()
        if self._prompt.is_open:
            self._prompt.press(name)
        elif (action := ACTIONS.for_key(self.scope, name)) is not None:
            await self.actions.perform(action)
        else:
            self.say(f"{key_label(name)} does nothing here; ? shows every key")

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if self._prompt.is_open:
            self._prompt.paste(event.text)

    def ask_line(self, purpose: str, label: str, text: str = "", placeholder: str = "") -> None:
        """Ask for a line in place of the footer; `line_typed` gets it."""
        self._footer.display = False
        self._prompt.open(purpose, label, text, placeholder)

    def line_typed(self, text: str) -> None:
        """The line asked for, on every change of it."""

    @on(PromptBar.Typed)
    def _prompt_typed(self, event: PromptBar.Typed) -> None:
        self.line_typed(event.text)

    @on(PromptBar.Done)
    def _prompt_done(self, event: PromptBar.Done) -> None:
        self._footer.display = True
        self.line_typed(event.text or "")
