"""Carries out the actions of the grid: one method an action, named after its id."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from node_agent.protocol.requests import (
    Chunk,
    ExplainSession,
    Explanation,
    KillSession,
    RemoveSession,
    Request,
    SendInput,
    SessionReply,
    StartSession,
    StopSession,
    UpdateSession,
)
from node_agent.terminal.sanitise import sanitise
from relaytui.actions.action import Action, Scope, key_label
from relaytui.actions.catalog import ACTIONS
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import SessionView
from relaytui.screens.answer import ATTACH, AnswerScreen
from relaytui.screens.confirm import ConfirmScreen
from relaytui.screens.explain import ExplainScreen
from relaytui.screens.form import Field, FormScreen
from relaytui.screens.help import HelpScreen
from relaytui.screens.nodes import NodesScreen
from relaytui.screens.picker import Entry, PickerScreen
from relaytui.screens.requests import Failure, describe_failure, outcome
from relaytui.screens.typing import MOST_PANES, NEXT_ASKING, TypingScreen
from relaytui.screens.views import tile_view

if TYPE_CHECKING:
    from relaytui.console import Console
    from relaytui.screens.grid import GridScreen

_NAME_LIMIT = 80
_SESSION = "session:"
"""What the value of a palette's entry starts with when it is a session, not an action."""


class GridActions:
    """Actions on the grid's desk; `perform` refuses, with the reason, what cannot be done now."""

    def __init__(self, screen: GridScreen) -> None:
        self._screen = screen
        self._context = screen.context
        self._desk = screen.context.desk

    @property
    def _console(self) -> Console:
        from relaytui.console import Console

        app = self._screen.app
        assert isinstance(app, Console)
        return app

    async def perform(self, action: Action) -> None:
        """Carry out an action, or say why not."""
        reason = action.reason(self._desk.situation())
        if reason:
            self._screen.say(reason)
            return
        result = self.handler(action)()
        if result is not None:
            await result

    def handler(self, action: Action) -> Callable[[], Awaitable[None] | None]:
        """The method that carries out an action of the grid."""
        handler: Callable[[], Awaitable[None] | None] = getattr(self, "do_" + action.id.replace(".", "_"))
        return handler

    def _session(self) -> SessionView:
        view = self._desk.session
        assert view is not None  # the action's reason has been asked
        return view

    async def _request(self, request: Request, done: str) -> None:
        failure = await describe_failure(self._context.source.request(self._session().key.node, request))
        if failure is None:
            self._screen.say(done)
        else:
            self._screen.say(failure.text, "failed")

    # Asking sessions --------------------------------------------------------------------------------------------------

    def do_ask_next(self) -> None:
        self._go_asking(1)

    def do_ask_previous(self) -> None:
        self._go_asking(-1)

    def do_ask_answer(self) -> None:
        key = self._session().key
        self._console.push_screen(AnswerScreen(self._context, key), self._after_answer)

    def _go_asking(self, by: int) -> None:
        now = self._context.now()
        key = self._desk.next_asking(now, by)
        if key is None:
            self._screen.say("no session that asks can be answered now")
            return
        if self._desk.go_to(key, now):
            self._screen.say("the filter hid it and was cleared")
        self._screen.arrange_sessions()
        self.do_ask_answer()

    def _after_answer(self, result: str | None) -> None:
        self._screen.arrange_sessions()
        if result == ATTACH:
            self._console.run_worker(self.do_session_attach(), exclusive=True, group="attach")

    # The selected session ---------------------------------------------------------------------------------------------

    async def do_session_attach(self) -> None:
        key = self._session().key
        self._screen.say(await self._console.attach(key))

    def do_session_zoom(self) -> None:
        self._type_into([self._session().key])

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

    def _type_into(self, keys: list[SessionKey]) -> None:

        def left(wish: str | None) -> None:
            self._screen.arrange_sessions()
            if wish == ATTACH:
                self._console.run_worker(self.do_session_attach(), exclusive=True, group="attach")
            elif wish == NEXT_ASKING:
                self._go_asking(1)

        self._console.push_screen(TypingScreen(self._context, keys), left)

    def _title(self, key: SessionKey) -> str:
        fleet = self._desk.fleet
        view = tile_view(fleet.sessions[key], fleet, self._context.now())
        return f"{view.word}  {view.title}"

    def do_session_send(self) -> None:
        key = sanitise(str(self._session().key), _NAME_LIMIT)
        self._screen.ask_line("send", f"send to {key}:")

    async def send_line(self, text: str) -> None:
        """Type a line and enter into the selected session."""
        key = self._session().key
        chunks = (Chunk(text=text), Chunk(key="enter"))
        await self._request(SendInput(key.id, uuid.uuid4().hex, chunks), f"sent to {key}")

    async def do_session_explain(self) -> None:
        key = self._session().key
        reply = await outcome(self._context.source.request(key.node, ExplainSession(key.id)))
        if isinstance(reply, Failure):
            self._screen.say(reply.text, "failed")
        elif isinstance(reply, Explanation):
            self._console.push_screen(ExplainScreen(self._context, str(key), reply))

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
        heading = f"Title and tags of {sanitise(str(view.key), _NAME_LIMIT)}"
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
        name = sanitise(f"{view.key} {view.info.title}", _NAME_LIMIT)

        async def ask() -> None:
            question = ConfirmScreen(self._context, f"{verb} {name}?", consequence)
            if await self._console.push_screen_wait(question):
                failure = await describe_failure(self._context.source.request(view.key.node, request(view.key.id)))
                self._screen.say(failure.text if failure else f"{view.key} {done}", "failed" if failure else "text")

        self._console.run_worker(ask(), group="confirm")

    # Moving and looking -----------------------------------------------------------------------------------------------

    @property
    def _columns(self) -> int:
        return 1 if self._screen.is_list else self._screen.tiles.plan.columns

    @property
    def _page(self) -> int:
        return max(1, self._screen.size.height - 3) if self._screen.is_list else self._screen.tiles.plan.slots

    def _move(self, by: int) -> None:
        self._desk.move(by)
        self._screen.arrange_sessions()

    def do_go_left(self) -> None:
        self._move(-1)

    def do_go_right(self) -> None:
        self._move(1)

    def do_go_up(self) -> None:
        self._move(-self._columns)

    def do_go_down(self) -> None:
        if (
            not self._desk.move(self._columns)
            and self._desk.place // self._columns < (len(self._desk.keys) - 1) // self._columns
        ):
            self._desk.move(len(self._desk.keys) - 1 - self._desk.place)
        self._screen.arrange_sessions()

    def do_go_next(self) -> None:
        self._desk.move_round(1)
        self._screen.arrange_sessions()

    def do_go_previous(self) -> None:
        self._desk.move_round(-1)
        self._screen.arrange_sessions()

    def do_go_first(self) -> None:
        self._move(-self._desk.place)

    def do_go_last(self) -> None:
        self._move(len(self._desk.keys) - 1 - self._desk.place)

    def do_go_page_down(self) -> None:
        self._move(min(self._page, len(self._desk.keys) - 1 - self._desk.place))

    def do_go_page_up(self) -> None:
        self._move(-min(self._page, self._desk.place))

    def do_go_jump(self) -> None:
        self._screen.start_jump()

    def do_view_filter(self) -> None:
        self._screen.ask_line("filter", "/", self._desk.filter, "words  state:asking  node:gpu  tag:nightly")

    def do_view_unfilter(self) -> None:
        self._desk.set_filter("")
        self._screen.arrange_sessions()

    def do_view_order(self) -> None:
        self._screen.say(f"ordered by {self._desk.next_order()}")
        self._screen.arrange_sessions()

    # The console ------------------------------------------------------------------------------------------------------

    def do_session_new(self) -> None:
        nodes = [alias for alias, node in self._desk.fleet.nodes.items() if node.status.is_live]
        focus = self._desk.focus
        node = focus.node if focus is not None and focus.node in nodes else (nodes[0] if nodes else "local")
        fields = [
            Field("node", "node", node, "ctrl+n: next of the connected nodes", nodes),
            Field("command", "command", "", "empty: the login shell"),
            Field("cwd", "directory", "", "empty: the home directory"),
            Field("title", "title", "", "empty: the terminal's own"),
            Field("tags", "tags", "", "words to filter by"),
        ]
        self._console.push_screen(FormScreen(self._context, "New session", fields, self._start, first=1))

    async def _start(self, values: Mapping[str, str]) -> str:
        try:
            command = tuple(shlex.split(values["command"]))
        except ValueError as error:
            return f"the command cannot be read: {error}"
        request = StartSession(
            uuid.uuid4().hex,
            command,
            cwd=values["cwd"],
            title=values["title"],
            tags=tuple(values["tags"].split()),
        )
        reply = await outcome(self._context.source.request(values["node"].strip(), request))
        if isinstance(reply, Failure):
            return reply.text
        if isinstance(reply, SessionReply):
            self._desk.focus = SessionKey(values["node"].strip(), reply.session.id)
            self._screen.say(f"started {self._desk.focus}")
        return ""

    def do_view_nodes(self) -> None:
        self._console.push_screen(NodesScreen(self._context))

    def do_node_retry(self) -> None:
        for alias, node in self._desk.fleet.nodes.items():
            if not node.status.is_live:
                self._context.source.retry(alias)
        self._screen.say("trying every lost node again")

    def do_view_theme(self) -> None:
        self._screen.say(f"theme {self._console.next_theme()}")

    def do_console_help(self) -> None:
        self._console.push_screen(HelpScreen(self._context))

    def do_console_palette(self) -> None:
        situation = self._desk.situation()
        ascii_only = self._context.is_ascii
        entries = [
            Entry(
                action.id,
                action.title,
                action.help,
                key_label(action.keys[0], ascii_only=ascii_only) if action.keys else "",
                action.reason(situation),
            )
            for action in ACTIONS
            if action.in_palette and action.scope is Scope.GRID
        ]
        entries += [Entry(f"{_SESSION}{key}", f"go to {key}", self._title(key)) for key in self._desk.fleet.sessions]

        def chosen(values: list[str] | None) -> None:
            if not values:
                return
            if values[0].startswith(_SESSION):
                wanted = values[0].removeprefix(_SESSION)
                key = next((key for key in self._desk.fleet.sessions if str(key) == wanted), None)
                if key is not None:
                    self._desk.go_to(key, self._context.now())
                    self._screen.arrange_sessions()
            else:
                self._console.run_worker(self.perform(ACTIONS[values[0]]), group="palette")

        self._console.push_screen(PickerScreen(self._context, "Commands", entries), chosen)

    def do_console_quit(self) -> None:
        self._console.exit()
