"""The open asks of the node by their id, and what operators say about them: seen, being handled, silent for now."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from typing import Callable, Optional

from node_agent.core.marks import AskMarks, Span
from node_agent.core.session import OpenAsk
from node_agent.io import alert_records, records
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts
from node_agent.io.live_session import LiveSession
from node_agent.io.outside import OutsideAsks
from node_agent.io.settings import Settings
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import AskId, SessionId


class OpenAsks:
    """Finds and marks asks."""

    def __init__(self, agent: Agent, outside: OutsideAsks, alerts: Alerts, settings: Settings) -> None:
        self._agent = agent
        self._outside = outside
        self._alerts = alerts
        self._settings = settings

    def session_of(self, ask: AskId) -> Optional[LiveSession]:
        """The session an ask belongs or belonged to; ask ids are the session's with a number."""
        return self._agent.sessions.get(SessionId(ask.rpartition(".")[0]))

    def find(self, name: AskId) -> OpenAsk:
        """The open ask of that id; raises RequestError."""
        session = self.session_of(name)
        ask = session.model.ask if session is not None else self._outside.find(name)
        if ask is None or ask.info.id != name:
            raise RequestError(ErrorCode.NO_ASK, f"{name} is not open (any more): it was answered, or is gone")
        return ask

    async def ack(self, name: AskId, operator: str) -> None:
        ask = self.find(name)
        if not ask.marks.acked_by:
            await self._mark(name, ask.marks._replace(acked_by=operator), is_seen=True)
            self._alerts.ask_over(name)

    async def claim(self, name: AskId, operator: str, seconds: float) -> None:
        """Say that `operator` handles it for `seconds`, 0 to give it back."""
        ask = self.find(name)
        now = self._agent.clock.now()
        holder = ask.marks.claimant(now)
        if seconds <= 0:
            if holder == operator:
                await self._mark(name, ask.marks._replace(claimed_by="", claim=None))
            return
        if holder and holder != operator:
            raise RequestError(ErrorCode.BUSY, f"{holder} is handling it")
        await self._mark(name, ask.marks._replace(claimed_by=operator, claim=Span(now, seconds)))
        self._tell_after(name, seconds)

    async def snooze(self, name: AskId, seconds: float) -> None:
        """Be silent about it for `seconds`; 0 until it changes, negative ends it."""
        ask = self.find(name)
        span = None if seconds < 0 else Span(self._agent.clock.now(), seconds)
        marks = ask.marks._replace(snooze=span)
        await self._mark(name, marks)
        self._alerts.snoozed(name, marks)
        if seconds > 0:
            self._tell_after(name, seconds)

    async def _mark(self, name: AskId, marks: AskMarks, is_seen: bool = False) -> None:
        def write(connection: sqlite3.Connection) -> None:
            records.save_marks(connection, name, marks)
            if is_seen:
                alert_records.close_of_ask(connection, name)

        await self._agent.write(write)
        self._set(name, lambda ask: dataclasses.replace(ask, marks=marks))

    def _tell_after(self, name: AskId, seconds: float) -> None:
        """Tell clients when a claim or snooze has ended by itself."""
        self._agent.tasks.spawn(self._tell(name, seconds), name=f"end of a mark of {name}")

    async def _tell(self, name: AskId, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._set(name, lambda ask: ask)

    def _set(self, name: AskId, change: Callable[[OpenAsk], OpenAsk]) -> None:
        """Change an ask if it is still open, and tell every client."""
        session = self.session_of(name)
        if session is None:
            self._outside.change(name, change)
        elif session.model.ask is not None and session.model.ask.info.id == name:
            session.model.ask = change(session.model.ask)
            self._agent.changed(session, at_once=True)

    def apply_settings(self) -> None:
        """The settings have changed: what they mute is marked so everywhere."""
        for session in self._agent.sessions.values():
            if self._settings.apply(session.model):
                self._agent.changed(session, at_once=True)
        self._outside.tell_all()
        self._alerts.news.set()
