"""What can be done with one session, on every screen that has one selected."""

from __future__ import annotations

from node_agent.protocol.requests import ExplainSession, Explanation, LogLines, ReadLogs
from relaytui.fleet.keys import SessionKey
from relaytui.screens.answer import ATTACH, AnswerScreen
from relaytui.screens.explain import ExplainScreen
from relaytui.screens.logs import TAIL, LogsScreen
from relaytui.screens.performer import Performer
from relaytui.screens.requests import Failure, outcome
from relaytui.screens.typing import NEXT_ASKING, TypingScreen


class SessionActions(Performer):
    def do_ask_answer(self) -> None:
        self._console.push_screen(AnswerScreen(self._context, self._session().key), self._after_answer)

    def _after_answer(self, result: str | None) -> None:
        self._host.arrange_sessions()
        if result == ATTACH:
            self._attach_soon()

    def _attach_soon(self) -> None:
        self._console.run_worker(self.do_session_attach(), exclusive=True, group="attach")

    async def do_session_attach(self) -> None:
        key = self._session().key
        self._host.say(await self._console.attach(key))
        self._host.arrange_sessions()

    def do_session_zoom(self) -> None:
        self._type_into([self._session().key])

    def _type_into(self, keys: list[SessionKey]) -> None:
        def left(wish: str | None) -> None:
            self._host.arrange_sessions()
            if wish == ATTACH:
                self._attach_soon()
            elif wish == NEXT_ASKING:
                self._next_asking()

        self._console.push_screen(TypingScreen(self._context, keys), left)

    def _next_asking(self) -> None:
        """Go where the operator wants to from typing: to who waits longest."""

    async def do_session_explain(self) -> None:
        key = self._session().key
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
