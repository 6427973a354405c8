"""What can be done with one session, on every screen that has one selected."""

from __future__ import annotations

from node_agent.protocol.explain import ExplainSession, Explanation
from node_agent.protocol.logs import LogLines, ReadLogs
from relaytui.fleet.keys import SessionKey
from relaytui.screens.answer import ATTACH, EXPLAIN, AnswerScreen
from relaytui.screens.explain import ExplainScreen
from relaytui.screens.logs import TAIL, LogsScreen
from relaytui.screens.performer import Performer
from relaytui.screens.requests import Failure, outcome
from relaytui.screens.typing import TypingScreen


class SessionActions(Performer):
    def do_ask_answer(self) -> None:
        popup = AnswerScreen(self._context, self._session().key)
        self._console.push_screen(popup, lambda wish: self._go_on(popup.key, wish))

    def _go_on(self, key: SessionKey, wish: str | None) -> None:
        """Do what the operator wants after a popup or after typing, with the session they were at by then."""
        self._host.arrange_sessions()
        if wish == ATTACH:
            self._console.run_worker(self._attach(key), exclusive=True, group="attach")
        elif wish == EXPLAIN:
            self._console.run_worker(self._explain(key), group="explain")

    async def do_session_attach(self) -> None:
        await self._attach(self._session().key)

    async def _attach(self, key: SessionKey) -> None:
        self._host.say(await self._console.attach(key))
        self._host.arrange_sessions()

    def do_session_zoom(self) -> None:
        self._type_into([self._session().key])

    def _type_into(self, keys: list[SessionKey]) -> None:
        screen = TypingScreen(self._context, keys)
        self._console.push_screen(screen, lambda wish: self._go_on(screen.key, wish))

    async def do_session_explain(self) -> None:
        await self._explain(self._session().key)

    async def _explain(self, key: SessionKey) -> None:
        reply = await outcome(self._context.source.request(key.node, ExplainSession(key.id)))
        if isinstance(reply, Failure):
            self._host.say(reply.text, "failed")
        elif isinstance(reply, Explanation):
            self._console.push_screen(ExplainScreen(self._context, str(key), reply))

    async def do_session_logs(self) -> None:
        view = self._session()
        reply = await outcome(self._context.source.request(view.key.node, ReadLogs(view.key.id, TAIL)))
        if isinstance(reply, Failure):
            self._host.say(reply.text, "failed")
        elif isinstance(reply, LogLines):
            self._console.push_screen(LogsScreen(self._context, view, reply))
