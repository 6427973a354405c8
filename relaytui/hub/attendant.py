"""Answers by policy: each ask that opens is judged once, and answered where a rule says so and nothing is in doubt.

The node has the last word: it refuses an answer to an ask that is gone, so that two hubs of the same rules answer once.
Whether answers are suspended is asked of the node each time, because any console may have said so a moment ago, and so
that nothing is counted against a cap; the node refuses what comes after all.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence

from node_agent.protocol.asks import AnswerAsk, Answered
from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import AskId
from node_agent.protocol.settings import GetSettings, NodeSettings
from relaytui.fleet.changes import AskOpened, Change
from relaytui.fleet.views import AskView
from relaytui.hub.core import Core
from relaytui.hub.ledger import Ledger, entry_now
from relaytui.hub.policy import Decision, Question, Rule, decide
from relaytui.link.errors import LinkError
from relaytui.link.tasks import cancel, spawn

_ANSWER_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Attendant:
    """Runs from `start` to `stop`."""

    def __init__(self, core: Core, rules: Sequence[Rule], ledger: Ledger) -> None:
        self._core = core
        self._rules = tuple(rules)
        self._ledger = ledger
        self._deciding = asyncio.Lock()
        self._seen: set[tuple[str, AskId]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Judge what is open and what opens from now on."""
        if not self._rules:
            return
        self._unsubscribe = self._core.subscribe(self._note)
        for view in self._core.fleet.inbox(self._core.now()):
            self._take(view)

    async def stop(self) -> None:
        self._unsubscribe()
        await cancel(*self._tasks)

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, AskOpened):
                self._take(change.view)

    def _take(self, view: AskView) -> None:
        place = (view.node, view.ask.id)
        if view.key is None or place in self._seen or not self._core.fleet.nodes[view.node].status.is_live:
            return
        self._seen.add(place)
        task = spawn(self._attend(view), name=f"policy for {view.node}/{view.ask.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, view: AskView) -> None:
        try:
            settings: NodeSettings = await self._core.request(view.node, GetSettings())
            decision = await self._decide(view, suspended=settings.policy_suspended)
            if decision.acts:
                await self._answer(view, decision)
        except (LinkError, RequestError, OSError) as error:
            _log.warning("%s/%s is left to the operator: %s", view.node, view.ask.id, error)

    async def _decide(self, view: AskView, *, suspended: bool) -> Decision:
        """One decision at a time, written down before the next: caps are counted exactly. Raises OSError."""
        async with self._deciding:
            answered = await asyncio.to_thread(self._ledger.answered)
            decision = decide(self._question(view), self._rules, answered, time.time(), suspended=suspended)
            if decision.rule:
                outcome = "sending" if decision.acts else ""
                entry = entry_now(decision.rule, decision.reason, _place(view), outcome)
                await asyncio.to_thread(self._ledger.add, entry)
            return decision

    async def _answer(self, view: AskView, decision: Decision) -> None:
        assert decision.option is not None
        request = AnswerAsk(view.ask.id, uuid.uuid4().hex, label=decision.option.label, policy=decision.rule)
        try:
            reply: Answered = await self._core.request(view.node, request, _ANSWER_SECONDS)
            outcome = ": ".join(filter(None, (reply.outcome.value, reply.why)))
        except RequestError as error:
            outcome = f"refused: {error.message}"
        except LinkError as error:
            outcome = f"unconfirmed: {error}"
        await asyncio.to_thread(self._ledger.add, entry_now(decision.rule, decision.reason, _place(view), outcome))

    def _question(self, view: AskView) -> Question:
        assert view.key is not None
        session = self._core.fleet.sessions.get(view.key)
        tags = set(self._core.fleet.nodes[view.node].tags) | set(session.info.tags if session else ())
        ask = view.ask
        return Question(
            view.node, frozenset(tags), ask.program, ask.command, ask.kind, ask.options, confidence=ask.confidence
        )


def _place(view: AskView) -> tuple[str, str, str]:
    return view.node, view.key.id if view.key else "", view.ask.id
