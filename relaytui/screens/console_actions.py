"""The actions that are about no one session: nodes, jobs, rules, the palette, the console itself."""

from __future__ import annotations

import asyncio
import shlex
import uuid
from collections.abc import Mapping

from node_agent.protocol.sessions import SessionReply, StartSession
from node_agent.protocol.states import Restart
from relaytui.actions.action import Scope, key_label
from relaytui.actions.catalog import ACTIONS
from relaytui.config import LOCAL
from relaytui.fleet.keys import SessionKey
from relaytui.hub.jobs.queue import QueueError
from relaytui.screens.arrival import CORRECT, ArrivalScreen, check_machine, machine_fields, machine_in
from relaytui.screens.form import Field, FormScreen
from relaytui.screens.inbox import InboxScreen
from relaytui.screens.job_rows import job_title
from relaytui.screens.jobs import JobsScreen
from relaytui.screens.nodes import NodesScreen
from relaytui.screens.performer import Performer
from relaytui.screens.picker import Entry, PickerScreen
from relaytui.screens.requests import Failure, outcome
from relaytui.screens.rules import RulesScreen
from relaytui.screens.rules_switch import RulesSwitch
from relaytui.screens.views import tile_view

_SESSION, _JOB, _ACTION = "session", "job", "action"
"""What an entry of the palette is."""

_JOBS_SECONDS = 0.5
"""How long the palette waits for the queue."""


class ConsoleActions(RulesSwitch, Performer):
    # Sessions and nodes -----------------------------------------------------------------------------------------------

    def do_session_new(self) -> None:
        nodes = self._desk.live_nodes()
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
        node, tags = values["node"].strip(), tuple(values["tags"].split())
        restart_for, environment = self._context.services.restart_for, self._context.services.environment
        request = StartSession(
            uuid.uuid4().hex,
            command,
            cwd=values["cwd"],
            base_env=dict(environment) if environment is not None and node == LOCAL else None,
            title=values["title"],
            tags=tags,
            restart=restart_for(node, command, tags) if restart_for is not None else Restart.NEVER,
            colors=self._context.services.colors,
        )
        reply = await outcome(self._context.source.request(node, request))
        if isinstance(reply, Failure):
            return reply.text
        if isinstance(reply, SessionReply):
            self._desk.focus = SessionKey(node, reply.session.id)
            self._host.say(f"started {self._desk.focus}")
        return ""

    def do_node_add(self) -> None:
        self._fill_in_machine({})

    def _fill_in_machine(self, values: Mapping[str, str]) -> None:
        """Ask which machine, have it made a node, and go back to the form where the operator wants to correct it."""
        add = self._context.services.add_machine
        if add is None:
            self._host.say("this console cannot add a machine; `relaytui node add` can")
            return
        chosen: dict[str, str] = {}

        async def submit(typed: Mapping[str, str]) -> str:
            chosen.update(typed)
            return check_machine(typed)

        async def work() -> None:
            if await self._console.push_screen_wait(form):
                arrival = ArrivalScreen(self._context, machine_in(chosen), add)
                if await self._console.push_screen_wait(arrival) == CORRECT:
                    self._fill_in_machine(chosen)

        form = FormScreen(self._context, "Add a machine", machine_fields(values), submit)
        self._console.run_worker(work(), group="arrival")

    def do_view_nodes(self) -> None:
        self._console.push_screen(NodesScreen(self._context))

    def do_node_retry(self) -> None:
        for alias, node in self._desk.fleet.nodes.items():
            if not node.status.is_live:
                self._context.source.retry(alias)
        self._host.say("trying every lost node again")

    # Other screens ----------------------------------------------------------------------------------------------------

    def do_inbox_open(self) -> None:
        self._console.push_screen(InboxScreen(self._context))

    def do_view_jobs(self) -> None:
        self._open_jobs()

    def _open_jobs(self, job: str = "") -> None:
        board = self._context.services.jobs
        if board is None:
            self._host.say("this console has no queue; `relaytui job ls` lists jobs")
        else:
            self._console.push_screen(JobsScreen(self._context, board, job))

    def do_view_rules(self) -> None:
        self._console.push_screen(RulesScreen(self._context))

    # The console ------------------------------------------------------------------------------------------------------

    def do_view_theme(self) -> None:
        self._host.say(f"theme {self._console.next_theme()}")

    async def do_console_demo(self) -> None:
        self._host.say(await self._console.show_demo())
        self._host.arrange_sessions()

    async def do_console_palette(self) -> None:
        entries = [*self._action_entries(), *self._session_entries(), *await self._job_entries()]

        def chosen(values: list[str] | None) -> None:
            if values:
                kind, _, value = values[0].partition(":")
                self._go(kind, value)

        self._console.push_screen(PickerScreen(self._context, "Commands", entries), chosen)

    def _go(self, kind: str, value: str) -> None:
        if kind == _ACTION:
            self._console.run_worker(self.perform(ACTIONS[value]), group="palette")
        elif kind == _JOB:
            self._open_jobs(value)
        else:
            key = next((key for key in self._desk.fleet.sessions if str(key) == value), None)
            if key is not None:
                self._desk.go_to(key, self._context.now())
                self._host.arrange_sessions()

    def _action_entries(self) -> list[Entry]:
        situation, ascii_only = self.situation(), self._context.is_ascii
        return [
            Entry(
                f"{_ACTION}:{action.id}",
                action.title,
                action.help,
                key_label(action.keys[0], ascii_only=ascii_only) if action.keys else "",
                action.reason(situation),
            )
            for action in ACTIONS
            if action.in_palette and action.scope is Scope.GRID
        ]

    def _session_entries(self) -> list[Entry]:
        fleet, now = self._desk.fleet, self._context.now()
        views = [tile_view(session, fleet, now) for session in fleet.sessions.values()]
        return [Entry(f"{_SESSION}:{view.key}", f"go to {view.key}", f"{view.word}  {view.title}") for view in views]

    async def _job_entries(self) -> list[Entry]:
        """The jobs, where the queue says them in time."""
        board = self._context.services.jobs
        if board is None:
            return []
        try:
            async with asyncio.timeout(_JOBS_SECONDS):
                jobs = await board.jobs()
        except (QueueError, TimeoutError):
            return []
        return [Entry(f"{_JOB}:{job.id}", f"job {job.id}", f"{job.state}  {job_title(job.spec)}") for job in jobs]

    def do_console_quit(self) -> None:
        self._console.exit()
