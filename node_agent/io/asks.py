"""Turns what a detector finds into durable events: an ask is on disk before anybody is told of it.

The events, the ask's row and the detector's state with its journal offset are committed together, so an agent that is
killed neither loses nor repeats an ask.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

from node_agent.core.event_log import NewEvent
from node_agent.core.moment import Moment
from node_agent.core.session import OpenAsk
from node_agent.detect.asks import Ask
from node_agent.detect.changes import AskClosed, AskOpened, AskRefined, AttentionChanged, Change
from node_agent.io import alert_records, records
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts, NewAlert
from node_agent.io.live_session import LiveSession
from node_agent.protocol.codec import to_wire
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.ids import AskId
from node_agent.protocol.states import Attention, EventKind
from node_agent.terminal.sanitise import sanitise

EXCERPT_LIMIT = 500
COMMAND_LIMIT = 2000
LABEL_LIMIT = 200
LONG_WORK = 10.0
"""Seconds of work after which a session's rest is worth an alert."""


class AskRecorder:
    """Records the asks of all sessions, each session's in order."""

    def __init__(self, agent: Agent, alerts: Alerts) -> None:
        self._agent = agent
        self._alerts = alerts

    def take(self, session: LiveSession, changes: Tuple[Change, ...]) -> None:
        """The detector of `session` found `changes`; none when only its foreground program changed."""
        is_plain = all(isinstance(change, AttentionChanged) for change in changes)
        if is_plain and not session.committing.locked():
            self._apply(session, changes, {})
            return
        name = f"record asks of {session.model.id}"
        self._agent.tasks.spawn(self._commit(session, changes), name=name)

    async def _commit(self, session: LiveSession, changes: Tuple[Change, ...]) -> None:
        assert session.detection is not None
        cursor = records.CursorRow(session.emulation.offset, session.detection.to_json())
        now = self._agent.clock.now()
        async with session.committing:
            opened: Dict[int, OpenAsk] = {}
            alerts: List[NewAlert] = []
            closed: List[AskId] = []
            events: List[NewEvent] = []
            for change in changes:
                if isinstance(change, AskOpened):
                    ask = opened[change.ask.serial] = make_open_ask(session, change.ask, now)
                    events.append(_opened_event(session, ask))
                    alerts.append(self._alerts.about_ask(ask, session.model))
                elif isinstance(change, AskRefined):
                    known = opened.get(change.ask.serial) or session.model.ask
                    if known is not None and known.info.id == ask_name(session, change.ask):
                        seen = make_open_ask(session, change.ask, now)
                        opened[change.ask.serial] = replace(seen, opened=known.opened, marks=known.marks)
                elif isinstance(change, AskClosed):
                    closed.append(ask_name(session, change.ask))
                    events.append(_closed_event(session, closed[-1], change.reason, now))

            def also(connection: Any) -> None:
                for ask in opened.values():
                    records.open_ask(connection, ask)
                for alert in alerts:
                    alert.write(connection)
                for name in closed:
                    records.close_ask(connection, name)
                    alert_records.close_of_ask(connection, name)
                records.save_cursor(connection, session.model.id, cursor)

            await self._agent.record_surely(events, also)
            self._apply(session, changes, opened)
            for alert in alerts:
                self._alerts.raised(alert)
            for name in closed:
                self._alerts.ask_over(name)

    def _apply(self, session: LiveSession, changes: Tuple[Change, ...], opened: Dict[int, OpenAsk]) -> None:
        """Make it the session's state and tell the clients."""
        model = session.model
        for change in changes:
            if isinstance(change, (AskOpened, AskRefined)):
                model.ask = opened.get(change.ask.serial, model.ask)
            elif isinstance(change, AskClosed):
                if model.ask is not None and model.ask.info.id == ask_name(session, change.ask):
                    model.ask = None
            else:
                self._note_turn(session, change.verdict.attention)
                model.note = change.verdict.note or ("" if not model.quarantined else model.note)
                if change.verdict.attention is Attention.EXITED:
                    return  # told together with how it ended, as soon as that is on record
                model.verdict = change.verdict.attention
        self._agent.changed(session)

    def _note_turn(self, session: LiveSession, attention: Attention) -> None:
        """Back at rest after long work is worth an alert, until it works again."""
        model = session.model
        if attention is not Attention.IDLE:
            self._alerts.turn_over(model.id)
        elif model.attention is Attention.WORKING and model.attention_since is not None:
            worked = model.attention_since.age_at(self._agent.clock.now())
            if worked >= LONG_WORK:
                new = self._alerts.about_turn(model, worked)
                self._agent.tasks.spawn(self._alerts.record(new), name=f"turn of {model.id}")


def _opened_event(session: LiveSession, ask: OpenAsk) -> NewEvent:
    data = {"ask": to_wire(ask.info)}
    return NewEvent(f"opened {ask.info.id}", EventKind.ASK_OPENED, ask.opened, session.model.id, data)


def _closed_event(session: LiveSession, ask: AskId, reason: str, now: Moment) -> NewEvent:
    data = {"ask": ask, "reason": reason}
    return NewEvent(f"closed {ask}", EventKind.ASK_CLOSED, now, session.model.id, data)


def ask_name(session: LiveSession, ask: Ask) -> AskId:
    return AskId(f"{session.model.id}.{ask.serial}")


def make_open_ask(session: LiveSession, ask: Ask, now: Moment) -> OpenAsk:
    """The ask as clients and the store see it. Everything a program said in it is sanitised."""
    options = tuple(
        replace(option, label=sanitise(option.label, LABEL_LIMIT), key=sanitise(option.key, LABEL_LIMIT))
        for option in ask.options
    )
    info = AskInfo(
        id=ask_name(session, ask),
        kind=ask.kind,
        excerpt=sanitise(ask.question, EXCERPT_LIMIT, multiline=True),
        age=0.0,
        session=session.model.id,
        options=options,
        program=sanitise(ask.program, LABEL_LIMIT),
        command=sanitise(ask.command, COMMAND_LIMIT, multiline=True),
        cwd=session.model.cwd,
        rule=sanitise(ask.rule, LABEL_LIMIT),
        confidence=ask.confidence,
        quiet=session.model.is_started_as(ask.kind, ask.program) or (ask.is_full_screen and ask.is_alone),
    )
    return OpenAsk(info, now, ask.identity)
