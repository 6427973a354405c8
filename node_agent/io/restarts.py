"""Starts lost sessions again, one after the other, or has the operator asked whether to.

The new session is another one: the lost one's journal stays. It must not know how a session is started; `begin` does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sqlite3
from collections import deque
from typing import Awaitable, Callable, Deque, Optional, Tuple

from node_agent.core.choice import ChoiceError, choose
from node_agent.core.event_log import NewEvent
from node_agent.core.restarts import (
    NO,
    Plan,
    ask_id,
    needs_question,
    plan_of,
    restart_ask,
    restart_command,
    restart_request,
)
from node_agent.io import alert_records, records
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts, NewAlert
from node_agent.io.keeper_client import KeeperError
from node_agent.io.live_session import LiveSession
from node_agent.io.store import StoreError
from node_agent.protocol.asks import AnswerAsk, Outcome
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import EventKind, Restart

log = logging.getLogger(__name__)

STAGGER = 1.0
"""Seconds between two restarts: after a reboot everything on the machine wants to start at once."""

Begin = Callable[[StartSession], Awaitable[LiveSession]]


class Restarts:
    """The plans of this node's sessions, carried out when they are lost."""

    def __init__(self, agent: Agent, alerts: Alerts, begin: Begin) -> None:
        self._agent = agent
        self._alerts = alerts
        self._begin = begin
        self._lost: Deque[LiveSession] = deque()
        self._news = asyncio.Event()

    # -- plans ----------------------------------------------------------------------------------------------------

    async def note(self, name: SessionId, request: StartSession) -> None:
        """Remember what is to become of a session that `request` has started; before its screen is followed.

        Raises StoreError.
        """
        if request.restart is not Restart.NEVER and not request.job:
            plan = plan_of(request)
        elif request.colors is not None:
            plan = Plan(Restart.NEVER, colors=request.colors)  # an environment that nobody needs is not kept
        else:
            return
        await self._agent.write(lambda connection: _save(connection, name, plan))
        session = self._agent.sessions.get(name)
        if session is not None:  # the request was tried again
            session.model.restart = plan.restart

    async def change(self, session: LiveSession, restart: Restart) -> None:
        """Change it later; a session without a plan is then restarted in the login environment. Raises StoreError."""
        plan = await self._plan(session.model.id) or Plan(Restart.NEVER)
        await self._keep(session, dataclasses.replace(plan, restart=restart))

    def lost(self, session: LiveSession) -> None:
        """The session is lost, and that is recorded."""
        self._lost.append(session)
        self._news.set()

    # -- carrying them out ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """See to the lost, as long as the agent runs."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._lost:
                session = self._lost.popleft()
                try:
                    if await self._see_to(session):
                        await asyncio.sleep(STAGGER)
                except (StoreError, KeeperError, RequestError) as error:
                    log.warning("session %s is not restarted: %s", session.model.id, error)

    async def answer(self, session: LiveSession, request: AnswerAsk) -> Tuple[Outcome, str, str]:
        """Do as the operator says of a lost session: the outcome, why, and what was chosen. Raises StoreError."""
        model = session.model
        plan = await self._plan(model.id)
        if plan is None or model.ask is None or model.ask.info.id != request.ask:
            return Outcome.REFUSED, "this ask is gone", ""
        options = model.ask.info.options
        try:
            chosen = options[choose(options, request)].label
        except ChoiceError as error:
            return Outcome.REFUSED, str(error), ""
        if chosen == NO:
            await self._settle(session, dataclasses.replace(plan, outcome="left as it is"))
            return Outcome.ACCEPTED, "it stays lost", chosen
        try:
            started = await self._restart(session, plan)
        except (RequestError, KeeperError) as error:
            return Outcome.REFUSED, error.message, chosen
        return Outcome.ACCEPTED, f"started as {started}", chosen

    async def _see_to(self, session: LiveSession) -> bool:
        """Restart one lost session, or ask about it; whether anything was started."""
        model = session.model
        plan = await self._plan(model.id)
        if plan is None or plan.restart is Restart.NEVER or self._agent.sessions.get(model.id) is not session:
            return False
        if plan.outcome:
            self._remark(session, plan)
            return False
        problem = ""
        if not needs_question(plan, model, self._command(session), self._agent.clock.now()):
            try:
                await self._restart(session, plan)
            except (RequestError, KeeperError) as error:
                problem = f"it could not be started: {error.message}"
            else:
                return True
        if not model.is_restart_asked:
            await self._ask(session, problem)
        return False

    async def _restart(self, session: LiveSession, plan: Plan) -> SessionId:
        """Start what takes the session's place. Raises RequestError, KeeperError and StoreError."""
        lost = session.model
        request = restart_request(plan, lost, self._command(session))
        started = await self._begin(request)
        log.info("session %s goes on as %s", lost.id, started.model.id)
        await self._keep(started, plan_of(request, after=lost.id))
        await self._settle(session, dataclasses.replace(plan, outcome=f"goes on as {started.model.id}"))
        return started.model.id

    def _command(self, session: LiveSession) -> Optional[Tuple[str, ...]]:
        return restart_command(session.model, [other.model for other in self._agent.sessions.values()])

    # -- what is recorded -----------------------------------------------------------------------------------------

    async def _ask(self, session: LiveSession, problem: str) -> None:
        model, now = session.model, self._agent.clock.now()
        reason = model.exit.reason if model.exit is not None else ""
        ask = restart_ask(model, self._command(session), reason, problem, now)
        event = NewEvent(f"opened {ask.info.id}", EventKind.ASK_OPENED, now, model.id, {"ask": to_wire(ask.info)})
        alert: NewAlert = self._alerts.about_ask(ask, model)

        def write(connection: sqlite3.Connection) -> None:
            records.open_ask(connection, ask)
            alert.write(connection)

        async with session.committing:
            await self._agent.record([event], write)
            model.ask = ask
        self._alerts.raised(alert)
        self._agent.changed(session, at_once=True)

    async def _settle(self, session: LiveSession, plan: Plan) -> None:
        """It is decided: close the ask, if there was one, in the same transaction."""
        name, now = ask_id(session.model.id), self._agent.clock.now()
        data = {"ask": name, "reason": plan.outcome}
        closed = NewEvent(f"closed {name}", EventKind.ASK_CLOSED, now, session.model.id, data)
        is_asked = session.model.is_restart_asked

        def write(connection: sqlite3.Connection) -> None:
            _save(connection, session.model.id, plan)
            records.close_ask(connection, name)
            alert_records.close_of_ask(connection, name)

        async with session.committing:
            await self._agent.record([closed] if is_asked else [], write)
            if is_asked:
                session.model.ask = None
        self._alerts.ask_over(name)
        self._remark(session, plan)

    def _remark(self, session: LiveSession, plan: Plan) -> None:
        session.model.note = plan.outcome
        self._agent.changed(session, at_once=True)

    async def _keep(self, session: LiveSession, plan: Plan) -> None:
        name = session.model.id
        await self._agent.write(lambda connection: _save(connection, name, plan))
        session.model.restart = plan.restart
        self._agent.changed(session, at_once=True)

    async def _plan(self, name: SessionId) -> Optional[Plan]:
        plan: Optional[Plan] = await self._agent.write(lambda connection: load_plan(connection, name))
        return plan


def load_plan(connection: sqlite3.Connection, session: SessionId) -> Optional[Plan]:
    """What is to become of a session when it is lost, or None where nothing was said of it."""
    row = connection.execute("SELECT plan FROM restarts WHERE session = ?", (session,)).fetchone()
    return from_wire(Plan, json.loads(row[0])) if row else None


def _save(connection: sqlite3.Connection, session: SessionId, plan: Plan) -> None:
    connection.execute("INSERT OR REPLACE INTO restarts VALUES (?, ?)", (session, records.dump_json(to_wire(plan))))
