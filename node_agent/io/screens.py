"""Keeps every session's screen current: output in, then replies to its queries, notices, and saved screens."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import List, Optional

from node_agent.core.burst import FAR
from node_agent.io import records
from node_agent.io.agent import Agent
from node_agent.io.broken_output import keep_broken_output
from node_agent.io.checkpoints import SavedScreen, save_screen
from node_agent.io.feed_mark import FeedMark, Mark
from node_agent.io.follower import Follower
from node_agent.io.keeper_client import KeeperError
from node_agent.io.live_session import MOST_FEED_BYTES, LiveSession
from node_agent.io.store import StoreError
from node_agent.keeper.control import Cause
from node_agent.protocol.errors import RequestError
from node_agent.protocol.notices import ClipboardWrite, Rang
from node_agent.protocol.states import Attention, EventKind
from node_agent.terminal.engine import Event, Reply
from node_agent.terminal.engine import EventKind as TerminalEvent
from node_agent.terminal.sanitise import sanitise

log = logging.getLogger(__name__)

SAVE_BYTES = 512 * 1024
SAVE_SECONDS = 20.0
"""A screen is saved when this much output or, with any output, this much time has passed since it was."""

SAVE_PAUSE = 0.5
"""Least seconds between two savings of one screen, however much its session prints."""

SAVE_SHARE = 0.01
"""Most of the time that may go to saving one screen: with a long history that takes many milliseconds."""

MOST_HELD_REPLIES = 16
TEXT_LIMIT = 300
CLIPBOARD_LIMIT = 1024 * 1024
QUARANTINE_NOTE = "two node agents died of this session's output: its screen is no longer drawn; the journal is whole"


class Screens:
    """The screens of all sessions."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._mark = FeedMark(agent.paths.state / "feeding")
        self._broken = agent.paths.state / "broken"
        self._follower = Follower(agent.clock, self._step, self._rest)

    @property
    def last_words(self) -> Optional[Mark]:
        """What the last agent was feeding when it died, or None."""
        return self._mark.left_behind

    def ready(self, session: LiveSession) -> None:
        """The journal of `session` has grown."""
        if session.model.catching_up and session.detection is not None:
            session.detection.on_growth()
        if session.is_behind:
            self._follower.ready(session)
        else:
            session.tell_watchers()

    def read_index(self, session: LiveSession) -> None:
        """The index of `session` has grown: input was written or the size changed."""
        session.is_index_due = True
        self._follower.ready(session)

    def be_still(self) -> None:
        """A key was typed: its echo goes before all emulation."""
        self._follower.be_still()

    async def stop(self) -> None:
        """Save every screen that has changed."""
        self._follower.stop()
        for session in list(self._agent.sessions.values()):
            screen = session.screen_to_save() if session.emulation.offset > session.saved_offset else None
            if screen is not None and screen.checkpoint["offset"] > session.saved_offset:
                save_screen(session.directory, screen)
        self._mark.close()

    async def save_now_and_then(self) -> None:
        """Save the screens of sessions that print little."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            for session in list(self._agent.sessions.values()):
                if session.emulation.offset > session.saved_offset:
                    self._save(session)
                    await asyncio.sleep(0)

    # -- one slice ------------------------------------------------------------------------------------------------

    def _step(self, session: LiveSession) -> bool:
        if session.suspect is not None and session.emulation.offset >= session.suspect + MOST_FEED_BYTES:
            self._clear_suspicion(session)
        began = self._agent.clock.boot()
        happening = session.step(lambda offset: self._mark.set(session.model.id, offset))
        self._mark.clear()
        if happening.is_fed:
            session.note_pace(self._agent.clock.boot() - began)
        if session.detection is not None and happening.is_fed:
            session.detection.on_output(session.emulation.offset, happening.events)
        if happening.breakage is not None:
            checkpoint, output = session.emulation.checkpoint(), session.output_to(happening.breakage.end)
            keep_broken_output(self._broken, session.model.id, happening.breakage, checkpoint, output)
        if happening.replies:
            self._reply(session, happening.replies)
        if happening.events and not session.model.catching_up:
            self._tell_events(session, happening.events)
        return happening.is_fed

    def _rest(self, session: LiveSession) -> None:
        """A session's turn is over: bring the model up to date and let who watches look."""
        model, engine = session.model, session.emulation.engine
        session.fed_at = self._agent.clock.boot()
        before = (model.terminal_title, model.alternate, model.catching_up, model.columns, model.rows)
        self._note_distance(session)
        model.terminal_title = sanitise(engine.title, TEXT_LIMIT).strip()
        model.alternate = engine.modes.alternate_screen
        model.columns, model.rows = engine.columns, engine.rows
        session.tell_watchers()
        if before != (model.terminal_title, model.alternate, model.catching_up, model.columns, model.rows):
            self._agent.changed(session)
        is_due = session.fed_at - session.saved_at >= max(SAVE_PAUSE, session.save_took / SAVE_SHARE)
        if is_due and session.emulation.offset - session.saved_offset >= SAVE_BYTES:
            self._save(session)

    def _note_distance(self, session: LiveSession) -> None:
        """Say so when the screen falls far behind its journal, and when it has caught up."""
        model = session.model
        behind = model.head - session.emulation.offset
        if model.catching_up and behind == 0:
            model.catching_up = False
        elif not model.catching_up and behind > FAR:
            model.catching_up = True
        else:
            return
        if session.detection is not None:
            session.detection.on_caught_up(not model.catching_up)
        if not model.catching_up:
            if session.suspect is not None:
                self._clear_suspicion(session)
            held, session.held_replies = session.held_replies, []
            self._reply(session, held)

    # -- what a program says to its terminal ----------------------------------------------------------------------

    def _reply(self, session: LiveSession, replies: List[Reply]) -> None:
        """Answer queries. While the screen is behind nothing is answered: the program may long have given up.

        The keeper drops a reply to a query that was answered or is over a second old.
        """
        if session.model.catching_up:
            session.held_replies = (session.held_replies + replies)[-MOST_HELD_REPLIES:]
            return
        for reply in replies:
            self._agent.tasks.spawn(self._write_reply(session, reply), name=f"reply to {session.model.id}")

    async def _write_reply(self, session: LiveSession, reply: Reply) -> None:
        name = session.model.id
        request = f"query {name} {reply.offset} {reply.data.hex()}"
        try:
            await self._agent.keeper.write(name, request, Cause.QUERY.value, reply.data, query_offset=reply.offset)
        except (KeeperError, RequestError):
            pass  # nobody is there to read the reply

    def _tell_events(self, session: LiveSession, events: List[Event]) -> None:
        name = session.model.id
        for event in events:
            if event.kind is TerminalEvent.BELL:
                self._agent.announce(f"rang {name}", Rang(name))
            elif event.kind is TerminalEvent.NOTIFICATION:
                title, _, body = event.text.partition("\n")
                notice = Rang(name, sanitise(title, TEXT_LIMIT), sanitise(body, TEXT_LIMIT, multiline=True))
                self._agent.announce(f"notification {name}", notice)
            elif event.kind is TerminalEvent.CLIPBOARD:
                data = event.text.partition(";")[2]
                if len(data) <= CLIPBOARD_LIMIT and _is_base64(data):
                    self._agent.announce(f"clipboard {name}", ClipboardWrite(name, data))

    # -- saved screens and quarantine -----------------------------------------------------------------------------

    def _save(self, session: LiveSession) -> None:
        if session.is_saving:
            return
        began = self._agent.clock.boot()
        screen = session.screen_to_save()
        if screen is None:
            return
        session.is_saving = True
        session.saved_offset, session.saved_at = session.emulation.offset, self._agent.clock.boot()
        session.save_took = session.saved_at - began
        self._agent.tasks.spawn(self._write_screen(session, screen), name=f"save the screen of {session.model.id}")

    async def _write_screen(self, session: LiveSession, screen: SavedScreen) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, save_screen, session.directory, screen)
        finally:
            session.is_saving = False

    def quarantine(self, session: LiveSession) -> None:
        """Feed this session's output to no engine any more."""
        log.error("session %s is in quarantine at offset %d", session.model.id, session.emulation.offset)
        session.model.quarantined = True
        session.model.catching_up = False
        session.model.verdict = Attention.UNKNOWN
        session.model.note = QUARANTINE_NOTE
        session.emulation.show_note(QUARANTINE_NOTE)
        event = self._agent.event("quarantined", EventKind.QUARANTINED, session, offset=session.emulation.offset)
        self._agent.tasks.spawn(self._agent.record_surely([event]), name=f"record quarantine of {session.model.id}")

    def _clear_suspicion(self, session: LiveSession) -> None:
        """Output at which an agent died was fed without harm."""
        session.suspect = None
        self._agent.tasks.spawn(self._forget_death(session), name=f"clear {session.model.id}")

    async def _forget_death(self, session: LiveSession) -> None:
        try:
            await self._agent.write(lambda connection: records.save_death(connection, session.model.id, None))
        except StoreError as error:
            log.warning("%s", error)


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except ValueError:
        return False
    return True
