"""Carries out actions: one method an action, named after its id; a screen's actions are put together from these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App

from node_agent.protocol.message import Request
from relaytui.actions.action import Action, Scope, Situation
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import SessionView
from relaytui.screens.context import Context
from relaytui.screens.help import HelpScreen
from relaytui.screens.requests import describe_failure

if TYPE_CHECKING:
    from relaytui.console import Console

NAME_LIMIT = 80


class Host(Protocol):
    """The screen that actions are carried out on."""

    @property
    def app(self) -> App[Any]: ...

    @property
    def context(self) -> Context: ...

    def say(self, message: str, role: str = "text") -> None:
        """Show a line for a moment."""

    def arrange_sessions(self) -> None:
        """Show everything as it is now."""


class Performer:
    """`perform` refuses, with the reason, what cannot be done now."""

    scope: Scope

    def __init__(self, host: Host) -> None:
        self._host = host
        self._context = host.context
        self._desk = host.context.desk

    def situation(self) -> Situation:
        """What the reasons of actions are judged on."""
        return self._desk.situation(self.selected)

    @property
    def selected(self) -> SessionKey | None:
        """The session that actions are about."""
        return self._desk.focus

    async def perform(self, action: Action) -> None:
        """Carry out an action, or say why not."""
        reason = action.reason(self.situation())
        if reason:
            self._host.say(reason)
            return
        result = self.handler(action)()
        if result is not None:
            await result

    def handler(self, action: Action) -> Callable[[], Awaitable[None] | None]:
        """The method that carries out an action of this screen."""
        handler: Callable[[], Awaitable[None] | None] = getattr(self, handler_name(action))
        return handler

    def do_console_help(self) -> None:
        self._console.push_screen(HelpScreen(self._context, self.scope, self.situation()))

    @property
    def _console(self) -> Console:
        from relaytui.console import Console

        app = self._host.app
        assert isinstance(app, Console)
        return app

    def _session(self) -> SessionView:
        view = self._desk.fleet.sessions.get(self.selected) if self.selected is not None else None
        assert view is not None  # the action's reason has been asked
        return view

    async def _request(self, node: str, request: Request, done: str) -> None:
        """Make a request of a node and say what came of it."""
        failure = await describe_failure(self._context.source.request(node, request))
        self._host.say(failure.text if failure else done, "failed" if failure else "text")


def handler_name(action: Action) -> str:
    return "do_" + action.id.replace(".", "_")
