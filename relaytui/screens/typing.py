"""Zoom and split: one to four sessions large, the keyboard in one of them.

Every key goes to the session but the prefix; the key after it is ours. A tile never changes the size of the session's
terminal, here neither: what does not fit is cropped, and attach is the way to another size.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Key, Paste

from node_agent.terminal.sanitise import sanitise
from relaytui.actions.action import Action, Scope, key_label
from relaytui.actions.catalog import ACTIONS
from relaytui.fleet.changes import Change, ScreenChanged, SessionGone
from relaytui.fleet.keys import SessionKey
from relaytui.screens.answer import ATTACH, AnswerScreen
from relaytui.screens.context import Context
from relaytui.screens.help import HelpScreen
from relaytui.screens.keys import control_key, key_name, session_key, take_key
from relaytui.screens.live import LiveScreen
from relaytui.screens.typist import Typist
from relaytui.screens.views import tile_view
from relaytui.widgets.look import Look
from relaytui.widgets.tile import Tile
from relaytui.widgets.view import Hint

MOST_PANES = 4
LEAVE = "leave"
NEXT_ASKING = "next asking"
_SIDE_BY_SIDE_FROM = 60
"""Columns a pane should have; where they are fewer, four panes stand in two rows."""


class TypingScreen(LiveScreen[str]):
    """Dismissed with what the operator wants next: `LEAVE`, `NEXT_ASKING`, or a wish of the answer popup."""

    CSS_PATH = "typing.tcss"
    AUTO_FOCUS = ""

    def __init__(self, context: Context, keys: Sequence[SessionKey]) -> None:
        super().__init__(context)
        self.keys = list(keys)[:MOST_PANES]
        self._pane = 0
        self._is_commanding = False
        self._panes = Container(id="panes")
        self._tiles = [Tile(context.look) for _ in self.keys]
        self._typists = {key: Typist(context.source, key, self.say) for key in self.keys}
        self._second = 0

    def compose(self) -> ComposeResult:
        with self._panes:
            yield from self._tiles
        yield self._footer

    def on_mount(self) -> None:
        self.context.watcher.look_at(self.keys, *self.keys)
        self.arrange_panes()

    @property
    def key(self) -> SessionKey:
        """The session the keyboard is in."""
        return self.keys[self._pane]

    # Drawing ----------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Ages and states, once a second; rows as they come."""
        if int(self.context.now()) != self._second:
            self.arrange_panes()
        self.flush()

    def arrange_panes(self) -> None:
        """Show the panes and the keys as they are now."""
        if not self._footer.is_mounted:
            return
        now = self.context.now()
        self._second = int(now)
        fleet = self.context.desk.fleet
        self._panes.set_class(len(self.keys) > 2 and self.size.width < _SIDE_BY_SIDE_FROM * len(self.keys), "-two-rows")
        for tile, key in zip(self._tiles, self.keys, strict=True):
            view = fleet.sessions.get(key)
            if view is not None:
                tile.show(tile_view(view, fleet, now, self.context.operator), is_focused=key == self.key)
        self._show_footer()
        self.flush()

    def _show_footer(self) -> None:
        asking = self.context.desk.count_asking()
        symbol = self.context.look.symbols
        right = f"{asking} asking  {self.key}" if asking else str(self.key)
        if self._is_commanding:
            hints = self._hints(self._offered())
        else:
            hints = [Hint(self.context.prefix, "then a command: d leaves, ? lists")]
        self._offer(hints, sanitise(symbol.fold(right), 80))

    def _offered(self) -> list[Action]:
        offered = ACTIONS.footer(self.context.desk.situation(self.key), Scope.TYPING)
        return [action for action in offered if action.id != "typing.next_pane" or len(self.keys) > 1]

    def flush(self) -> None:
        for tile, key in zip(self._tiles, self.keys, strict=True):
            tile.flush(self.context.desk.fleet.screen(key))

    def note(self, changes: list[Change]) -> None:
        """The fleet changed; panes are repainted at once."""
        for change in changes:
            match change:
                case ScreenChanged(key) if key in self.keys:
                    self.flush()
                case SessionGone(key) if key in self.keys:
                    self.dismiss(LEAVE)
                case ScreenChanged():
                    pass
                case _:
                    self._second = -1

    def say(self, message: str, role: str = "asking") -> None:
        """Show a line in the footer for a moment, striking unless told otherwise: eyes are on what is typed."""
        super().say(message, role)

    def set_look(self, look: Look) -> None:
        for tile in self._tiles:
            tile.set_look(look)
        self._footer.set_look(look)

    def on_resize(self) -> None:
        self._second = -1

    # Keys -------------------------------------------------------------------------------------------------------------

    async def on_key(self, event: Key) -> None:
        if not take_key(self, event):
            return
        self.context.key_pressed()
        if self._is_commanding:
            await self._command(event)
        elif self._is_prefix(event):
            self._is_commanding = True
            self.arrange_panes()
        else:
            self._typist.press(session_key(event))

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._is_commanding = False
        self._typist.paste(event.text)

    @property
    def _typist(self) -> Typist:
        return self._typists[self.key]

    def _is_prefix(self, event: Key) -> bool:
        return control_key(event) == self.context.prefix

    async def _command(self, event: Key) -> None:
        self._is_commanding = False
        name = key_name(event)
        if self._is_prefix(event):
            self._typist.press(session_key(event))
        elif name.isdecimal() and 0 < int(name) <= len(self.keys):
            self._go_to_pane(int(name) - 1)
        elif (action := ACTIONS.for_key(Scope.TYPING, name)) is not None:
            await self._perform(action)
        else:
            self.say(f"{key_label(name)} is no command; {self.context.prefix} ? lists them")
        self.arrange_panes()

    async def _perform(self, action: Action) -> None:
        self.context.desk.focus = self.key
        reason = action.reason(self.context.desk.situation(self.key))
        if reason:
            self.say(reason)
            return
        match action.id.removeprefix("typing."):
            case "leave":
                self.dismiss(LEAVE)
            case "attach":
                self.dismiss(ATTACH)
            case "next_asking":
                self.dismiss(NEXT_ASKING)
            case "next_pane":
                self._go_to_pane((self._pane + 1) % len(self.keys))
            case "take":
                self._typist.take_over()
                self.say(f"the next key takes the keyboard of {self.key} over")
            case "answer":
                self.app.push_screen(AnswerScreen(self.context, self.key), self._after_answer)
            case "help":
                self.app.push_screen(HelpScreen(self.context, Scope.TYPING, self.context.desk.situation(self.key)))

    def _after_answer(self, result: str | None) -> None:
        if result:
            self.dismiss(result)

    @on(Tile.Picked)
    def _tile_picked(self, event: Tile.Picked) -> None:
        self._go_to_pane(next((at for at, key in enumerate(self.keys) if str(key) == event.key), self._pane))
        self.arrange_panes()

    def _go_to_pane(self, pane: int) -> None:
        self._pane = pane
        self.context.desk.focus = self.key
