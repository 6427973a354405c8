"""The actions of the grid: what is about the selected tile, and moving among tiles."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

from node_agent.protocol.message import Request
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import KillSession, RemoveSession, StopSession, UpdateSession
from node_agent.terminal.sanitise import sanitise
from relaytui.actions.action import Scope
from relaytui.fleet.keys import SessionKey
from relaytui.screens.ask_actions import AskActions
from relaytui.screens.confirm import ConfirmScreen
from relaytui.screens.console_actions import ConsoleActions
from relaytui.screens.form import Field, FormScreen
from relaytui.screens.performer import NAME_LIMIT, Host
from relaytui.screens.picker import Entry, PickerScreen
from relaytui.screens.requests import describe_failure
from relaytui.screens.typing import MOST_PANES, NEXT_ASKING
from relaytui.screens.views import tile_view


class GridHost(Host, Protocol):
    """What the grid's actions need of it besides."""

    @property
    def columns(self) -> int:
        """Tiles side by side."""

    @property
    def page(self) -> int:
        """Tiles in sight at once."""

    def start_jump(self) -> None: ...

    def toggle_inbox(self) -> None: ...

    def ask_line(self, purpose: str, label: str, text: str = "", placeholder: str = "") -> None: ...


class GridActions(AskActions, ConsoleActions):
    scope = Scope.GRID

    def __init__(self, grid: GridHost) -> None:
        super().__init__(grid)
        self._grid = grid

    # Asking sessions --------------------------------------------------------------------------------------------------

    def do_ask_next(self) -> None:
        self._go_asking(1)

    def do_ask_previous(self) -> None:
        self._go_asking(-1)

    def _go_asking(self, by: int) -> None:
        now = self._context.now()
        key = self._desk.next_asking(now, by)
        if key is None:
            self._grid.say("no session that asks can be answered now")
            return
        if self._desk.go_to(key, now):
            self._grid.say("the filter hid it and was cleared")
        self._grid.arrange_sessions()
        self.do_ask_answer()

    def _go_on(self, key: SessionKey, wish: str | None) -> None:
        super()._go_on(key, wish)
        if wish == NEXT_ASKING:
            self._go_asking(1)

    def do_view_inbox(self) -> None:
        self._grid.toggle_inbox()

    # The selected session ---------------------------------------------------------------------------------------------

    def do_session_split(self) -> None:
        focus = str(self._session().key)
        keys = {str(key): key for key in self._desk.keys}
        entries = [Entry(name, name, self._title(keys[name])) for name in [focus, *(k for k in keys if k != focus)]]

        def chosen(names: list[str] | None) -> None:
            if names:
                self._type_into([keys[name] for name in names])

        picker = PickerScreen(
            self._context, "Side by side: two to four sessions", entries, most=MOST_PANES, marked=[focus]
        )
        self._console.push_screen(picker, chosen)

    def _title(self, key: SessionKey) -> str:
        fleet = self._desk.fleet
        view = tile_view(fleet.sessions[key], fleet, self._context.now())
        return f"{view.word}  {view.title}"

    def do_session_send(self) -> None:
        key = sanitise(str(self._session().key), NAME_LIMIT)
        self._grid.ask_line("send", f"send to {key}:")

    async def send_line(self, text: str) -> None:
        """Type a line and enter into the selected session."""
        key = self._session().key
        chunks = (Chunk(text=text), Chunk(key="enter"))
        await self._request(key.node, SendInput(key.id, uuid.uuid4().hex, chunks), f"sent to {key}")

    def do_session_rename(self) -> None:
        view = self._session()

        async def submit(values: Mapping[str, str]) -> str:
            request = UpdateSession(view.key.id, values["title"], tuple(values["tags"].split()))
            failure = await describe_failure(self._context.source.request(view.key.node, request))
            return failure.text if failure else ""

        fields = [
            Field("title", "title", sanitise(view.info.title, 200), "the terminal's own title"),
            Field("tags", "tags", sanitise(" ".join(view.info.tags), 200), "words to filter by"),
        ]
        heading = f"Title and tags of {sanitise(str(view.key), NAME_LIMIT)}"
        self._console.push_screen(FormScreen(self._context, heading, fields, submit))

    def do_session_stop(self) -> None:
        self._confirm(
            "Stop", "Its programs are asked to end; what is left after 5 s is killed.", StopSession, "stopped"
        )

    def do_session_kill(self) -> None:
        self._confirm("Kill", "Every process of it ends at once, whatever it was doing.", KillSession, "killed")

    def do_session_remove(self) -> None:
        self._confirm(
            "Remove", "All it printed is deleted on its node and cannot be had back.", RemoveSession, "removed"
        )

    def _confirm(self, verb: str, consequence: str, request: Callable[..., Request], done: str) -> None:
        view = self._session()
        name = sanitise(f"{view.key} {view.info.title}", NAME_LIMIT)

        async def ask() -> None:
            question = ConfirmScreen(self._context, f"{verb} {name}?", consequence)
            if await self._console.push_screen_wait(question):
                await self._request(view.key.node, request(view.key.id), f"{view.key} {done}")

        self._console.run_worker(ask(), group="confirm")

    # Moving and looking -----------------------------------------------------------------------------------------------

    def _move(self, by: int) -> None:
        self._desk.move(by)
        self._grid.arrange_sessions()

    def do_go_left(self) -> None:
        self._move(-1)

    def do_go_right(self) -> None:
        self._move(1)

    def do_go_up(self) -> None:
        self._move(-self._grid.columns)

    def do_go_down(self) -> None:
        columns = self._grid.columns
        if not self._desk.move(columns) and self._desk.place // columns < (len(self._desk.keys) - 1) // columns:
            self._desk.move(len(self._desk.keys) - 1 - self._desk.place)
        self._grid.arrange_sessions()

    def do_go_next(self) -> None:
        self._desk.move_round(1)
        self._grid.arrange_sessions()

    def do_go_previous(self) -> None:
        self._desk.move_round(-1)
        self._grid.arrange_sessions()

    def do_go_first(self) -> None:
        self._move(-self._desk.place)

    def do_go_last(self) -> None:
        self._move(len(self._desk.keys) - 1 - self._desk.place)

    def do_go_page_down(self) -> None:
        self._move(min(self._grid.page, len(self._desk.keys) - 1 - self._desk.place))

    def do_go_page_up(self) -> None:
        self._move(-min(self._grid.page, self._desk.place))

    def do_go_jump(self) -> None:
        self._grid.start_jump()

    def do_view_filter(self) -> None:
        self._grid.ask_line("filter", "/", self._desk.filter, "words  state:asking  node:gpu  tag:nightly")

    def do_view_unfilter(self) -> None:
        self._desk.set_filter("")
        self._grid.arrange_sessions()

    def do_view_order(self) -> None:
        self._grid.say(f"ordered by {self._desk.next_order()}")
        self._grid.arrange_sessions()
