"""The node's alerts: a durable row for everything a human should be told, claims on it, and its end.

An alert is committed together with what it is about, so that neither a kill nor a full disk parts them. It must not
know how anything is sent.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sqlite3
import time
from typing import Dict, List, Optional

from node_agent.core.alert_text import ask_words, end_words
from node_agent.core.alerts import AlertState
from node_agent.core.marks import AskMarks
from node_agent.core.moment import Moment
from node_agent.core.session import OpenAsk, Session
from node_agent.core.silence import why_silent
from node_agent.io import alert_records
from node_agent.io.agent import Agent
from node_agent.io.settings import Settings
from node_agent.protocol.alerts import AlertClaim, RaiseAlert
from node_agent.protocol.entities import Alert, ExitInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.notices import AlertChanged
from node_agent.protocol.states import AlertKind, Severity
from node_agent.terminal.sanitise import sanitise

TITLE_LIMIT = 200
BODY_LIMIT = 2000
NAME_LIMIT = 200
MOST_OPEN = 5000
HEARD_WITHIN = 5.0
"""Seconds within which an attached terminal must have been heard: one that stands still shows nobody anything."""

WORTH_TELLING = 86400.0
"""Seconds after which what has happened, and does not wait for anybody, is no longer worth telling."""


class NewAlert:
    """An alert on its way into the store. `event` is the key of what it is about: a known event raises none."""

    def __init__(self, alert: AlertState, event: str = "") -> None:
        self.alert = alert
        self.is_new = False
        self._event = event

    def write(self, connection: sqlite3.Connection) -> None:
        """Record it, in the transaction of what it is about and before that."""
        known = connection.execute("SELECT 1 FROM events WHERE key = ?", (self._event,)).fetchone()
        self.is_new = known is None and alert_records.insert(connection, self.alert)


class Alerts:
    """All alerts; those that are open in memory. `news` is set whenever one may have become due."""

    def __init__(self, agent: Agent, settings: Settings) -> None:
        self.news = asyncio.Event()
        self._agent = agent
        self._settings = settings
        self._open: Dict[str, AlertState] = {}
        self._told: Dict[str, str] = {}  # why each open alert was silent when clients were last told
        self._last = 0
        self._claiming = asyncio.Lock()
        self._host = socket.gethostname().partition(".")[0]

    async def restore(self) -> None:
        """Go on with what the last agent had open."""
        self._last = await self._agent.write(alert_records.last_number)
        found: List[AlertState] = await self._agent.write(
            lambda connection: alert_records.select(connection, 0, MOST_OPEN, only_open=True)
        )
        self._open = {alert.key: alert for alert in found}
        self.news.set()

    # -- what is worth an alert -----------------------------------------------------------------------------------

    def about_ask(self, ask: OpenAsk, session: Optional[Session]) -> NewAlert:
        """`session` is None for an ask of no session."""
        title, body = ask_words(self._host, session.title if session else "", ask.info)
        alert = self._make(f"ask/{ask.info.id}", AlertKind.ASK, Severity.NORMAL, title, body, session)
        alert.ask, alert.ask_kind = ask.info.id, ask.info.kind
        if ask.info.quiet:
            alert.held = f"{ask.info.kind.value} started as such"
        return NewAlert(alert, f"opened {ask.info.id}")

    def about_end(self, session: Session, info: Optional[ExitInfo], event: str, stopped_by: str) -> NewAlert:
        """The session has ended, or was lost; `event` is the key under which that is recorded."""
        code, signal, reason = (info.code, info.signal, info.reason) if info else (None, None, "")
        is_good = code == 0 and not reason
        title, body = end_words(self._host, session.title, code, signal, reason)
        kind = AlertKind.EXIT if is_good else AlertKind.FAILURE
        severity = Severity.LOW if is_good else Severity.NORMAL
        alert = self._make(f"end/{session.id}", kind, severity, title, body, session)
        alert.held = f"stopped by {stopped_by}" if stopped_by else ""
        return NewAlert(alert, event)

    def about_turn(self, session: Session, worked: float) -> NewAlert:
        """The session is back at rest after `worked` seconds of work."""
        title = f"{self._host}: {session.title} is done"
        key = f"turn/{session.id}/{session.head}"
        return NewAlert(self._make(key, AlertKind.TURN, Severity.LOW, title, f"after {worked:.0f} s", session))

    def _make(
        self, key: str, kind: AlertKind, severity: Severity, title: str, body: str, session: Optional[Session]
    ) -> AlertState:
        self._last += 1
        return AlertState(
            key=f"{self._agent.store.uuid}/{key}",
            kind=kind,
            severity=severity,
            title=sanitise(title, TITLE_LIMIT),
            body=sanitise(body, BODY_LIMIT, multiline=True),
            raised=self._agent.clock.now(),
            n=self._last,
            session=session.id if session else SessionId(""),
        )

    async def raise_by_hand(self, request: RaiseAlert) -> Alert:
        """An alert of a client's own making; the same key again is the same alert."""
        if not request.key or len(request.key) > NAME_LIMIT:
            raise RequestError(ErrorCode.BAD_REQUEST, f"an alert's key has 1 to {NAME_LIMIT} characters")
        session = self._agent.session(request.session).model if request.session else None
        alert = self._make("", request.kind, request.severity, request.title, request.body, session)
        alert.key = sanitise(request.key, NAME_LIMIT)
        await self.record(NewAlert(alert))
        known: Optional[AlertState] = await self._agent.write(
            lambda connection: alert_records.find(connection, alert.key)
        )
        return self.info(known or alert)

    async def record(self, new: NewAlert) -> None:
        """Commit an alert about what has no event of its own. Raises StoreError."""
        await self._agent.write(new.write)
        self.raised(new)

    def raised(self, new: NewAlert) -> None:
        """An alert was committed: it can be claimed from now on."""
        if not new.is_new:
            return
        self._open[new.alert.key] = new.alert
        self._announce(new.alert)
        self.news.set()
        if len(self._open) > MOST_OPEN:
            self._end(next((alert for alert in self._open.values() if alert.ask is None), new.alert))

    # -- its end --------------------------------------------------------------------------------------------------

    def ask_over(self, ask: AskId) -> None:
        """The ask has ended or was seen, and that is committed."""
        for alert in [alert for alert in self._open.values() if alert.ask == ask]:
            self._close(alert)

    def turn_over(self, session: SessionId) -> None:
        """The session is no longer at rest: that it came to rest is no news any more."""
        for alert in [alert for alert in self._open.values() if alert.session == session]:
            if alert.kind is AlertKind.TURN:
                self._end(alert)

    def session_over(self, session: SessionId) -> None:
        """The session was removed, and that is committed."""
        for alert in [alert for alert in self._open.values() if alert.session == session]:
            self._close(alert)

    def snoozed(self, ask: AskId, marks: AskMarks) -> None:
        for alert in [alert for alert in self._open.values() if alert.ask == ask]:
            alert.snooze = marks.snooze
            self._save_soon(alert)
        self.news.set()

    def _end(self, alert: AlertState) -> None:
        self._close(alert)
        self._save_soon(alert)

    def _close(self, alert: AlertState) -> None:
        alert.is_open = False
        self._open.pop(alert.key, None)
        self._announce(alert)
        self._told.pop(alert.key, None)

    # -- claims ---------------------------------------------------------------------------------------------------

    async def claim(self, key: str, channel: str, sender: str) -> AlertClaim:
        """Give the right to send an alert, on disk before anybody hears of it. Raises RequestError and StoreError."""
        if not (0 < len(channel) <= NAME_LIMIT and 0 < len(sender) <= NAME_LIMIT):
            raise RequestError(ErrorCode.BAD_REQUEST, "a claim names a channel and its sender")
        async with self._claiming:
            alert = self._open.get(key)
            if alert is None:
                return AlertClaim(0, 0.0, "it is no longer worth telling")
            now = self._agent.clock.now()
            why = self.silence(alert, now)
            if why and why != self._told.get(key):
                self._announce(alert)  # who is refused waits to be told of the silence's end
                self.news.set()
            why = why or self._switched_off(channel)
            if why:
                return AlertClaim(0, 0.0, why)
            claim = alert.claim(channel, sanitise(sender, NAME_LIMIT), 1 + secrets.randbits(52), now)
            if claim.token:
                await self._save(alert)
                self._announce(alert)
            return claim

    async def report(self, key: str, channel: str, token: int, is_sent: bool, detail: str) -> None:
        """Store what came of a claim. Raises RequestError and StoreError."""
        async with self._claiming:
            alert = self._open.get(key)
            if alert is None:
                alert = await self._agent.write(lambda connection: alert_records.find(connection, key))
            if alert is None or not alert.report(
                channel, token, is_sent, sanitise(detail, NAME_LIMIT), self._agent.clock.now()
            ):
                raise RequestError(ErrorCode.STALE_VERSION, "this claim has ended: somebody else may have sent it")
            await self._save(alert)
            self._announce(alert)
            self.news.set()

    def _switched_off(self, channel: str) -> str:
        return f"{channel} is switched off" if channel in self._settings.current.disabled else ""

    async def _save(self, alert: AlertState) -> None:
        await self._agent.write(lambda connection: alert_records.save(connection, alert))

    def _save_soon(self, alert: AlertState) -> None:
        self._agent.tasks.spawn(self._save(alert), name=f"save alert {alert.key}")

    # -- what is known --------------------------------------------------------------------------------------------

    def open_alerts(self) -> List[AlertState]:
        """The open ones, oldest first."""
        return list(self._open.values())

    async def listed(self, after: int, limit: int, only_open: bool) -> List[Alert]:
        found: List[AlertState] = await self._agent.write(
            lambda connection: alert_records.select(connection, after, limit, only_open)
        )
        return [self.info(alert) for alert in found]

    def info(self, alert: AlertState) -> Alert:
        now = self._agent.clock.now()
        return alert.info(now, self.silence(alert, now) if alert.is_open else "")

    def silence(self, alert: AlertState, now: Moment) -> str:
        """Why no channel tells of it now, "" when they may."""
        if alert.held:
            return alert.held
        if alert.snooze is not None and alert.snooze.lasts(now):
            return "snoozed"
        local = time.localtime(now.wall)
        why = why_silent(
            self._settings.current,
            local.tm_hour * 60 + local.tm_min,
            alert.session,
            alert.ask_kind,
            alert.kind,
            alert.severity,
        )
        return why or (self._who_looks(alert.session) if alert.may_be_looked_at(now) else "")

    def _who_looks(self, name: SessionId) -> str:
        """Who has the session before their eyes, as a reason for silence: whoever is attached to type into it.

        The lease alone does not tell: it outlasts by far a laptop whose lid was closed.
        """
        session = self._agent.sessions.get(name)
        lease = session.model.lease if session is not None else None
        if lease is None or lease.holder is None or not lease.holder.attach or lease.expires is not None:
            return ""
        client = lease.holder.client
        if not any(each.client == client and each.silence() < HEARD_WITHIN for each in self._agent.connections):
            return ""
        return f"{lease.holder.operator} is attached"

    def is_looked_at(self) -> bool:
        """Whether an open alert is silent because somebody has its session before their eyes."""
        now = self._agent.clock.now()
        sessions = {alert.session for alert in self._open.values() if alert.may_be_looked_at(now)}
        return any(map(self._who_looks, sessions))

    def look_over(self, now: Moment) -> None:
        """End what is stale, and tell of alerts that have become silent or are no longer."""
        for alert in self.open_alerts():
            if alert.ask is None and alert.raised.age_at(now) > WORTH_TELLING:
                self._end(alert)
                continue
            why = self.silence(alert, now)
            if why == self._told.get(alert.key, why):
                continue
            if not why:
                alert.offered = now
                self._save_soon(alert)
            self._announce(alert)

    async def escalate(self, alert: AlertState) -> None:
        """Tell an ask that nobody has seen for long once more, louder."""
        again = self._make("", AlertKind.ASK, Severity.HIGH, alert.title, alert.body, None)
        again.key = f"{alert.key}/again"
        again.session, again.ask, again.ask_kind = alert.session, alert.ask, alert.ask_kind
        again.held, again.snooze = alert.held, alert.snooze
        await self.record(NewAlert(again))

    def _announce(self, alert: AlertState) -> None:
        info = self.info(alert)
        self._told[alert.key] = info.silenced
        self._agent.announce(f"alert {alert.key}", AlertChanged(info))
