"""The agent's side of the keeper: finds it or starts it, takes over its sessions, and follows their lives."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Dict, List, NamedTuple, Optional, Union

from node_agent.core.event_log import NewEvent
from node_agent.core.job_starts import attempt_of
from node_agent.core.moment import Moment
from node_agent.core.restarts import Plan
from node_agent.core.session import OpenAsk, Session
from node_agent.io import alert_records, records
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts
from node_agent.io.asks import AskRecorder
from node_agent.io.detection import Detection
from node_agent.io.keeper_client import KeeperClient, KeeperError, ensure_keeper
from node_agent.io.keeper_notices import (
    DiskFull,
    Fenced,
    HeadsAdvanced,
    Notice,
    SegmentDropped,
    SessionClosed,
    SessionExited,
)
from node_agent.io.live_session import MOST_FEED_BYTES, LiveSession
from node_agent.io.rest_watch import RestWatch
from node_agent.io.restarts import Restarts, load_plan
from node_agent.io.rule_files import RuleFiles
from node_agent.io.screens import Screens
from node_agent.io.settings import Settings
from node_agent.journal.meta import SessionMeta, read_meta
from node_agent.keeper.control import ControlError, ExitStatus, SessionRecord
from node_agent.protocol.entities import ExitInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import EventKind, Restart, SessionState

log = logging.getLogger(__name__)

RECONNECT = 1.0


class _Grown(NamedTuple):
    """One session's share of a `HeadsAdvanced`."""

    session: str
    head: int


_Life = Union[_Grown, SegmentDropped, SessionExited, SessionClosed]


class Adoption:
    """Joins the agent to its keeper for as long as both live."""

    def __init__(
        self,
        agent: Agent,
        screens: Screens,
        rules: RuleFiles,
        alerts: Alerts,
        settings: Settings,
        restarts: Restarts,
    ) -> None:
        self._agent = agent
        self._screens = screens
        self._rules = rules
        self._alerts = alerts
        self._settings = settings
        self._restarts = restarts
        self._asks = AskRecorder(agent, alerts)
        self._rest = RestWatch()
        self._keeper: Optional[KeeperClient] = None
        self._early: Dict[str, List[_Life]] = {}  # of sessions that are being taken over

    async def connect(self) -> None:
        """Join the keeper, starting one where there is none, and take over its sessions. Raises KeeperError."""
        paths, command = self._agent.paths, self._agent.command
        await ensure_keeper(paths, command)
        keeper = await KeeperClient.connect(
            paths.keeper_socket, self._agent.store.epoch, watched=True, on_notice=self._on_notice
        )
        self._keeper = keeper
        self._agent.set_keeper(keeper)
        await keeper.keep_agent(command)
        # All at once, so that the store commits for many of them together: hundreds that have ended may be kept.
        await asyncio.gather(*(self.adopt(record) for record in await keeper.list()))

    async def stay_connected(self) -> None:
        """Join the next keeper when this one is gone; the sessions of the old one are then known to be lost."""
        while True:
            assert self._keeper is not None
            await self._keeper.closed.wait()
            log.error("the keeper is gone")
            await self._keeper.close()
            self._agent.set_keeper(None)
            try:
                await self.connect()
            except (KeeperError, ControlError) as error:
                log.warning("no keeper: %s", error)
                await asyncio.sleep(RECONNECT)

    async def close(self) -> None:
        if self._keeper is not None:
            await self._keeper.close()

    # -- adopting -------------------------------------------------------------------------------------------------

    async def adopt(self, record: SessionRecord) -> LiveSession:
        """Take over a session of the keeper, new or known, and bring its state up to the keeper's."""
        name = SessionId(record.id)
        session = self._agent.sessions.get(name)
        if session is None:
            session = await self._take_over(record)
        model = session.model
        model.first, model.head = record.first, max(model.head, record.head)
        for notice in self._early.pop(record.id, []):
            self._take_life(session, notice)
        if model.state in (SessionState.STARTING, SessionState.RUNNING):
            model.state = SessionState.RUNNING
        await self._take_state(session, record.state, record.exit)
        self._screens.read_index(session)
        self._agent.changed(session, at_once=True)
        return session

    async def resize(self, session: LiveSession, columns: int, rows: int) -> None:
        """Change a terminal's size; the screen follows when the index tells of it."""
        await self._agent.keeper.resize(session.model.id, columns, rows)
        self._screens.read_index(session)

    async def remove(self, session: LiveSession) -> None:
        """Forget a session that the keeper has forgotten."""
        name = session.model.id
        if self._agent.sessions.pop(name, None) is None:
            return
        session.tell_watchers()
        session.close()
        event = self._agent.event("removed", EventKind.SESSION_REMOVED, session)

        def forget(connection: Any) -> None:
            records.forget_session(connection, name)
            alert_records.close_of_session(connection, name)

        await self._agent.record_surely([event], forget)
        self._alerts.session_over(name)
        self._agent.gone(session)

    async def _take_over(self, record: SessionRecord) -> LiveSession:
        name = SessionId(record.id)
        directory = self._agent.paths.sessions / record.id
        meta = read_meta(str(directory)) or _meta_of(record)
        saved = await self._agent.write(lambda connection: _read_past(connection, name))
        session = self._agent.sessions.get(name)
        if session is not None:
            return session  # two requests adopted it at the same time
        job, token = attempt_of(record.request)
        model = Session(
            id=name,
            command=meta.command,
            cwd=meta.cwd,
            columns=record.columns,
            rows=record.rows,
            started=Moment("", 0.0, record.started),
            order=meta.order,
            given_title=meta.title,
            tags=meta.tags,
            job=job,
            token=token,
            restart=saved.plan.restart,
        )
        session = LiveSession(model, directory, record.pid, (meta.columns, meta.rows), saved.plan.colors)
        self._settings.apply(model)
        self._restore(session, saved)
        await self._heed_death(session, saved.death)
        self._agent.sessions[name] = session
        event = self._agent.event(
            "started", EventKind.SESSION_STARTED, session, model.started, command=list(model.command), cwd=model.cwd
        )
        await self._agent.record_surely([event])
        return session

    def _restore(self, session: LiveSession, past: _Past) -> None:
        """Go on from what the last agent knew of this session."""
        cursor, model = past.cursor, session.model
        restored = cursor.detector if cursor else {}
        if past.ask is not None:
            model.ask = past.ask
        if self._keeper is not None:
            session.detection = Detection(
                session,
                self._rules.book,
                self._agent.clock,
                self._keeper,
                self._agent.tasks,
                self._asks.take,
                self._rest,
                restored,
                cursor.offset if cursor else 0,
            )
            if cursor is not None:
                session.tell_detection_of(cursor.offset)

    async def _heed_death(self, session: LiveSession, known: Optional[records.DeathRow]) -> None:
        """Be wary of output the last agent died on; after a second death there it is not fed to an engine again."""
        death, name = known, session.model.id
        last = self._screens.last_words
        if last is not None and last.session == name:
            is_second = known is not None and abs(known.offset - last.offset) < MOST_FEED_BYTES
            death = found = records.DeathRow(last.offset, is_second)
            await self._agent.write(lambda connection: records.save_death(connection, name, found))
        if death is not None:
            session.suspect = death.offset
            if death.is_quarantined:
                self._screens.quarantine(session)

    # -- following ------------------------------------------------------------------------------------------------

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, HeadsAdvanced):
            for name, head in notice.heads.items():
                self._on_life(_Grown(name, head))
        elif isinstance(notice, (SegmentDropped, SessionExited, SessionClosed)):
            self._on_life(notice)
        elif isinstance(notice, DiskFull):
            self._on_disk(notice.full)
        elif isinstance(notice, Fenced):
            self._agent.stop("a newer node agent has connected to the keeper")

    def _on_life(self, notice: _Life) -> None:
        """Something happened to one session; while it is being taken over, what came first keeps its place."""
        session = self._agent.sessions.get(SessionId(notice.session))
        if session is None or notice.session in self._early:
            self._early.setdefault(notice.session, []).append(notice)
        else:
            self._take_life(session, notice)

    def _take_life(self, session: LiveSession, notice: _Life) -> None:
        if isinstance(notice, SegmentDropped):
            self._on_dropped(session, notice.first)
            return
        session.model.head = max(session.model.head, notice.head)
        session.tell_of_growth()  # attached terminals get the bytes before they are emulated
        self._screens.ready(session)
        if isinstance(notice, _Grown):
            return
        status = notice.status if isinstance(notice, SessionExited) else None
        state = SessionState.CLOSED if status is None else SessionState.EXITED
        self._agent.tasks.spawn(self._take_state(session, state, status), name=f"end of {notice.session}")

    def _on_dropped(self, session: LiveSession, first: int) -> None:
        before, session.model.first = session.model.first, first
        event = self._agent.event(f"dropped {first}", EventKind.OUTPUT_DROPPED, session, start=before, end=first)
        self._agent.tasks.spawn(self._agent.record_surely([event]), name="record dropped output")
        self._agent.changed(session)

    def _on_disk(self, is_full: bool) -> None:
        now = self._agent.clock.now()
        log.error("the disk is full, sessions are held back" if is_full else "the disk has room again")
        if is_full:
            event = NewEvent(f"disk full {now.boot_id} {now.boot}", EventKind.DISK_FULL, now)
            self._agent.tasks.spawn(self._agent.record_surely([event]), name="record full disk")

    async def _take_state(self, session: LiveSession, state: SessionState, status: Optional[ExitStatus]) -> None:
        """Record how far a session's life has come, then make it known; one step after the other."""
        async with session.ending:
            await self._record_state(session, state, status)

    async def _record_state(self, session: LiveSession, state: SessionState, status: Optional[ExitStatus]) -> None:
        events: List[NewEvent] = []
        info = ExitInfo(status.code, status.signal, status.at, status.reason) if status is not None else None
        if state is SessionState.LOST:
            reason = info.reason if info else ""
            events.append(self._agent.event("lost", EventKind.SESSION_LOST, session, reason=reason))
        elif state in (SessionState.EXITED, SessionState.CLOSED) and info is not None:
            at = Moment("", 0.0, info.at)
            events.append(
                self._agent.event("exited", EventKind.SESSION_EXITED, session, at, code=info.code, signal=info.signal)
            )
        if state is SessionState.CLOSED:
            events.append(self._agent.event("closed", EventKind.SESSION_CLOSED, session))
        if not events:
            return
        if session.detection is not None:
            session.detection.on_exit(_how(info))  # closes an open ask before the exit is recorded:
            await asyncio.sleep(0)  # the task that records it, started just now, gets the lock first
        model = session.model
        alert = self._alerts.about_end(model, info, events[0].key, session.stopped_by)
        async with session.committing:
            await self._agent.record_surely(events, alert.write)
        self._alerts.raised(alert)
        model.exit = info or model.exit
        if model.state is not SessionState.CLOSED:
            model.state = state
        session.tell_watchers()
        self._agent.changed(session, at_once=True)
        if state is SessionState.LOST:
            self._restarts.lost(session)


class _Past:
    """What the store has of a session."""

    def __init__(
        self,
        cursor: Optional[records.CursorRow],
        ask: Optional[OpenAsk],
        death: Optional[records.DeathRow],
        plan: Plan,
    ) -> None:
        self.cursor = cursor
        self.ask = ask
        self.death = death
        self.plan = plan


def _read_past(connection: Any, session: SessionId) -> _Past:
    asks = [ask for ask in records.load_open_asks(connection) if ask.info.session == session]
    return _Past(
        records.load_cursor(connection, session),
        asks[0] if asks else None,
        records.load_death(connection, session),
        load_plan(connection, session) or Plan(Restart.NEVER),
    )


def _meta_of(record: SessionRecord) -> SessionMeta:
    """What can be said of a session whose metadata file is gone."""
    return SessionMeta(
        id=record.id,
        request=record.request,
        command=(),
        cwd="",
        env_keys=(),
        columns=record.columns,
        rows=record.rows,
        title="",
        tags=(),
        started=record.started,
        boot="",
        order=0,
    )


def _how(info: Optional[ExitInfo]) -> str:
    if info is None:
        return ""
    if info.signal is not None:
        return f"signal {info.signal}"
    return info.reason if info.code is None else str(info.code)
