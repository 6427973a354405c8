"""The main screen: all sessions of all nodes, live.

It draws what the desk and the fleet say, ten times a second at most, and hands keys to the actions. It knows no link:
what reaches a node goes through `GridActions`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key, Paste
from textual.geometry import Region

from node_agent.terminal.delta import ScreenModel
from relaytui.actions.action import Action, Scope, key_label
from relaytui.actions.catalog import ACTIONS
from relaytui.fleet.changes import AskClosed, AskOpened, Change, ScreenChanged, Warned
from relaytui.fleet.filters import FilterError
from relaytui.fleet.keys import SessionKey
from relaytui.screens.context import Context
from relaytui.screens.desk import is_news
from relaytui.screens.grid_actions import GridActions
from relaytui.screens.inbox import ask_id, inbox_heading, inbox_rows
from relaytui.screens.keys import key_name, take_key
from relaytui.screens.live import LiveScreen
from relaytui.screens.views import summary_view, tile_view
from relaytui.widgets.empty import EmptyState
from relaytui.widgets.grid import TileGrid
from relaytui.widgets.look import Look
from relaytui.widgets.plan import LIST_BELOW
from relaytui.widgets.prompt_bar import PromptBar
from relaytui.widgets.row_list import RowList
from relaytui.widgets.session_list import SessionList
from relaytui.widgets.status_line import StatusLine
from relaytui.widgets.tile import Tile
from relaytui.widgets.toasts import Toasts
from relaytui.widgets.view import Hint, Status, TileView

TOAST_SECONDS = 8.0
INBOX_FROM = 100
"""Columns from which there is room for the inbox beside the tiles."""

_INBOX_WIDTH = 40
_BARS = 2
_JUMP_LETTERS = "123456789abcdefghijklmnopqrstuvwxyz"
_PREVIEW_FROM = 12
"""Rows from which the list leaves room for a preview."""


class GridScreen(LiveScreen[None]):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.desk = context.desk
        self.actions = GridActions(self)
        self.jump_labels: dict[str, str] = {}
        look = context.look
        self.tiles = TileGrid(look)
        self._status = StatusLine(look)
        self._board = Vertical(id="board")
        self._list = SessionList(look)
        self._preview = Tile(look, id="preview")
        self._empty = EmptyState(look)
        self._inbox = RowList(look, has_edge=True, id="inbox")
        self._shows_inbox = False
        self._toast_corner = Toasts(look)
        self._prompt = PromptBar(look)
        self._in_sight: dict[str, SessionKey] = {}
        self._is_dirty = True
        self._second = 0
        self._toasts: dict[SessionKey, float] = {}

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._inbox
        yield self.tiles
        with self._board:
            yield self._list
            yield self._preview
        yield self._empty
        yield self._toast_corner
        yield self._prompt
        yield self._footer

    def on_mount(self) -> None:
        self.arrange_sessions()

    # Drawing ----------------------------------------------------------------------------------------------------------

    @property
    def is_list(self) -> bool:
        """Whether the terminal is too narrow for tiles."""
        return self.size.width < LIST_BELOW

    @property
    def columns(self) -> int:
        return 1 if self.is_list else self.tiles.plan.columns

    @property
    def page(self) -> int:
        return max(1, self.size.height - 3) if self.is_list else self.tiles.plan.slots

    def tick(self) -> None:
        """Draw what changed since the last tick; called by the console's clock."""
        if not self.is_in_sight:
            return
        second = int(self.context.now())
        if self._is_dirty or second != self._second:
            self._second = second
            self.arrange_sessions()
        self.flush()

    def arrange_sessions(self) -> None:
        """Show the sessions as they are now, in their order."""
        if not self._footer.is_mounted:
            return  # there is nothing to draw on yet, or not any more
        self._is_dirty = False
        now = self.context.now()
        keys = self.desk.arrange(now)
        self._show_board(keys, now)
        self._show_inbox(now)
        self._show_lines(now)
        self._show_toasts(now)

    def _show_board(self, keys: list[SessionKey], now: float) -> None:
        is_list = self.is_list
        self.tiles.display = bool(keys) and not is_list
        self._board.display = bool(keys) and is_list
        self._empty.display = not keys
        if not keys:
            self._show_empty(self._empty)
            self._look_at([], None)
        elif is_list:
            self._show_list(keys, now)
        else:
            window = self.tiles.window(len(keys), self.desk.place)
            shown = keys[window.start : window.stop]
            self._look_at(shown, self.desk.focus)
            self.tiles.show(self._views(shown, now), str(self.desk.focus), self._border_hints(), self.jump_labels)

    def _show_list(self, keys: list[SessionKey], now: float) -> None:
        sessions, preview = self._list, self._preview
        preview.display = self.size.height >= _PREVIEW_FROM
        sessions.styles.height = min(len(keys), max(3, (self.size.height - 2) // 3)) if preview.display else "1fr"
        focus = self.desk.focus
        sessions.show(self._views(keys, now), str(focus))
        if focus is not None and preview.display:
            self._look_at([focus], focus)
            preview.show(self._views([focus], now)[0], is_focused=True, hints=self._border_hints())
        else:
            self._look_at([], None)

    def _show_inbox(self, now: float) -> None:
        """The open asks, beside the tiles: the focus is the tiles', and n goes from ask to ask."""
        inbox = self._inbox
        inbox.display = self._shows_inbox and self.size.width >= INBOX_FROM
        if inbox.display:
            inbox.styles.width = max(_INBOX_WIDTH, self.size.width // 4)
            inbox.styles.height = self.size.height - _BARS
            ask = None if self.desk.focus is None else self.desk.ask_of(self.desk.focus)
            chosen = "" if ask is None else ask_id(ask)
            inbox.show(*inbox_heading(self.desk, now), inbox_rows(self.context, now), chosen)

    def toggle_inbox(self) -> None:
        """Show the open asks beside the tiles, or hide them; full screen where there is no room beside."""
        if self.size.width < INBOX_FROM:
            self.actions.do_inbox_open()
            return
        self._shows_inbox = not self._shows_inbox
        self.arrange_sessions()

    def _show_empty(self, empty: EmptyState) -> None:
        if self.desk.fleet.sessions:
            ways = [("esc", "show all sessions", ""), ("/", "change the filter", "")]
            empty.show(f"No session passes the filter {self.desk.filter}", ways)
            return
        empty.show(
            "No sessions yet.",
            [
                ("c", "start one here", "relaytui start -- claude"),
                ("A", "add a machine", "relaytui node add gpu-box"),
                ("D", "see a demo", "relaytui demo"),
            ],
        )

    def _views(self, keys: Iterable[SessionKey], now: float) -> list[TileView]:
        fleet = self.desk.fleet
        return [tile_view(fleet.sessions[key], fleet, now, self.context.operator) for key in keys]

    def _border_hints(self) -> list[Hint]:
        return self._hints(ACTIONS.border(self.actions.situation()))

    def _show_lines(self, now: float) -> None:
        self._status.show(summary_view(self.desk, now, time.localtime(time.time())))
        self._offer(self._hints(ACTIONS.footer(self.actions.situation())), self._out_of_sight())

    def _out_of_sight(self) -> str:
        """How many sessions pass the filter but are scrolled out of sight."""
        hidden = len(self.desk.keys) - len(self._in_sight)
        return "" if self.is_list or hidden <= 0 else f"{hidden} more out of sight"

    def _look_at(self, keys: list[SessionKey], focus: SessionKey | None) -> None:
        self._in_sight = {str(key): key for key in keys}
        if self.is_in_sight:
            self.context.watcher.look_at(keys, focus)

    def flush(self) -> None:
        """Repaint the rows that changed."""
        if self.is_list:
            self._flush_tile(self._preview)
        else:
            self.tiles.flush(self._screen_of)

    def _flush_tile(self, tile: Tile) -> None:
        if tile.view is not None:
            tile.flush(self._screen_of(tile.view.key))

    def _screen_of(self, key: str) -> ScreenModel | None:
        session = self._in_sight.get(key)
        return None if session is None else self.desk.fleet.screen(session)

    def _focused_tile(self) -> Tile | None:
        if self.is_list:
            return self._preview
        return self.tiles.tile_of(str(self.desk.focus))

    def set_look(self, look: Look) -> None:
        """Draw in another theme from now on."""
        for widget in (self.tiles, self._preview):
            widget.set_look(look)
        for canvas in (self._status, self._list, self._inbox, self._empty, self._toast_corner, self._prompt):
            canvas.set_look(look)
        self._footer.set_look(look)

    # What happens -----------------------------------------------------------------------------------------------------

    def note(self, changes: list[Change]) -> None:
        """The fleet changed. The tile in focus is repainted at once, the rest at the next tick."""
        for change in changes:
            match change:
                case ScreenChanged(key):
                    if key == self.desk.focus and (tile := self._focused_tile()) is not None:
                        self._flush_tile(tile)
                    continue
                case AskOpened(view) if view.key is not None and is_news(view.ask):
                    if view.key != self.desk.focus:
                        self._toasts[view.key] = self.context.now() + TOAST_SECONDS
                case AskClosed(_, key) if key is not None:
                    self._toasts.pop(key, None)
                case Warned(_, text):
                    self.say(text, "asking")
            self._is_dirty = True

    def _show_toasts(self, now: float) -> None:
        sessions = self.desk.fleet.sessions
        self._toasts = {
            key: until
            for key, until in self._toasts.items()
            if until > now and key != self.desk.focus and key in sessions
        }
        views = [] if self._inbox.display else self._views(self._toasts, now)  # they stand there already
        tile = self._focused_tile()
        area = Region(0, 1, self.size.width, max(0, self.size.height - 2))
        has_place = self._toast_corner.show(views, area, None if tile is None else tile.region)
        if views and not has_place and not self._footer.message:
            symbol = self.context.look.symbols.status[Status.ASKING]
            self.say(f"{symbol} {views[-1].key} asks: {views[-1].title}", "asking")

    # Keys -------------------------------------------------------------------------------------------------------------

    async def on_key(self, event: Key) -> None:
        if not take_key(self, event):
            return
        name = key_name(event)
        self.context.key_pressed()
        if self._prompt.is_open:
            self._prompt.press(name)
            return
        if self.jump_labels:
            self._jump(name)
            return
        if len(name) == 1 and name in "123456789":
            self._focus_slot(int(name) - 1)
            return
        action = self._action(name)
        if action is None:
            self.say(f"{key_label(name)} does nothing here; ? shows every key")
        else:
            await self.actions.perform(action)

    def _action(self, key: str) -> Action | None:
        empty = None if self.desk.fleet.sessions else ACTIONS.for_key(Scope.EMPTY, key)
        return empty or ACTIONS.for_key(Scope.GRID, key)

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if self._prompt.is_open:
            self._prompt.paste(event.text)
            return
        self.say("a paste goes nowhere here; z types into the session, s sends it a line")

    def start_jump(self) -> None:
        """Put a letter on each tile in sight; the next key selects one."""
        self.jump_labels = dict(zip(self._in_sight, _JUMP_LETTERS, strict=False))
        self.arrange_sessions()

    def _jump(self, name: str) -> None:
        chosen = next((key for key, label in self.jump_labels.items() if label == name), None)
        self.jump_labels = {}
        if chosen is not None:
            self.desk.focus = self._in_sight[chosen]
        self.arrange_sessions()

    def _focus_slot(self, place: int) -> None:
        keys = self.desk.keys if self.is_list else list(self._in_sight.values())
        if place < len(keys):
            self.desk.focus = keys[place]
            self.arrange_sessions()
        else:
            self.say(f"there is no tile {place + 1}")

    def ask_line(self, purpose: str, label: str, text: str = "", placeholder: str = "") -> None:
        """Ask for a line in place of the footer; `_prompt_done` gets it."""
        self._footer.display = False
        self._prompt.open(purpose, label, text, placeholder)

    @on(PromptBar.Typed)
    def _prompt_typed(self, event: PromptBar.Typed) -> None:
        if event.purpose == "filter":
            self._try_filter(event.text)

    @on(PromptBar.Done)
    async def _prompt_done(self, event: PromptBar.Done) -> None:
        self._footer.display = True
        if event.purpose == "filter":
            self._try_filter(event.text or "")
        elif event.text:
            await self.actions.send_line(event.text)

    def _try_filter(self, text: str) -> None:
        try:
            self.desk.set_filter(text)
        except FilterError as error:
            self.say(str(error), "failed")
        self.arrange_sessions()

    @on(Tile.Picked)
    def _tile_picked(self, event: Tile.Picked) -> None:
        if event.key in self._in_sight:
            self.desk.focus = self._in_sight[event.key]
            self.context.key_pressed()
            self.arrange_sessions()

    @on(TileGrid.Resized)
    def _grid_resized(self) -> None:
        self.arrange_sessions()

    def on_resize(self) -> None:
        self._is_dirty = True

    def on_screen_resume(self) -> None:
        self._is_dirty = True
