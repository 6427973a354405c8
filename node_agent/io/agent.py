"""The agent: what ties store, keeper, sessions and clients together. Judgement is in core, detect and the handlers."""

from __future__ import annotations

import asyncio
import functools
import getpass
import logging
import os
import socket
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

import node_agent
from node_agent.core.event_log import EventLog, NewEvent, StoredEvent
from node_agent.core.moment import Moment
from node_agent.core.rights import Rights, sees
from node_agent.io import records
from node_agent.io.clock import Clock
from node_agent.io.connection import Connection
from node_agent.io.environment import LoginEnvironment
from node_agent.io.event_feed import EventFeed
from node_agent.io.facts import Facts
from node_agent.io.keeper_client import KeeperClient
from node_agent.io.live_session import LiveSession
from node_agent.io.paths import NodePaths
from node_agent.io.store import FencedError, Store, StoreError
from node_agent.io.tasks import Tasks
from node_agent.protocol.entities import NodeFacts, NodeInfo, ProcessInfo, SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import NodeUuid, SessionId, StoreId
from node_agent.protocol.notices import FactsChanged, Notice, SessionChanged, SessionGone
from node_agent.protocol.states import EventKind

log = logging.getLogger(__name__)

FEATURES = ("screens", "bytes", "events", "lease", "signal", "restart")
RETRY_STORE = 1.0
FACTS_EVERY = 10.0


class Agent:
    """What every part of the agent may reach. `keeper` is replaced when the keeper is."""

    def __init__(self, paths: NodePaths, clock: Clock, store: Store, command: List[str]) -> None:
        self.paths = paths
        self.clock = clock
        self.store = store
        self.command = command
        self.tasks = Tasks()
        self.events = EventLog(1, 0)
        self.sessions: Dict[SessionId, LiveSession] = {}
        self.connections: Set[Connection] = set()
        self.environment = LoginEnvironment(clock)
        self.facts = Facts(paths.state)
        self.stopping = asyncio.Event()
        self.stop_reason = ""
        self._keeper: Optional[KeeperClient] = None
        self._host = socket.gethostname()
        self._user = _user_name()

    # -- who this is ----------------------------------------------------------------------------------------------

    def info(self) -> NodeInfo:
        keeper = self._keeper.info if self._keeper is not None else None
        return NodeInfo(
            uuid=NodeUuid(self.store.uuid),
            store=StoreId(self.store.store_id),
            epoch=self.store.epoch,
            agent=ProcessInfo(os.getpid(), node_agent.__version__),
            keeper=ProcessInfo(keeper.pid, keeper.version) if keeper else ProcessInfo(0, ""),
            host=self._host,
            user=self._user,
            features=FEATURES,
        )

    def node_facts(self) -> NodeFacts:
        return self.facts.now(self.clock.boot())

    def stop(self, reason: str) -> None:
        """Have the agent end; sessions go on without it."""
        self.stop_reason = self.stop_reason or reason
        self.stopping.set()

    # -- sessions -------------------------------------------------------------------------------------------------

    @property
    def keeper(self) -> KeeperClient:
        """The keeper; raises RequestError while there is none."""
        if self._keeper is None or self._keeper.closed.is_set():
            raise RequestError(ErrorCode.KEEPER_GONE, "the keeper is gone; its sessions ended with it")
        return self._keeper

    def set_keeper(self, keeper: Optional[KeeperClient]) -> None:
        self._keeper = keeper

    def session(self, name: SessionId) -> LiveSession:
        """The session of that id; raises RequestError."""
        session = self.sessions.get(name)
        if session is None:
            raise RequestError(ErrorCode.NO_SESSION, f"there is no session {name!r} on this node")
        return session

    def running_session(self, name: SessionId) -> LiveSession:
        """The session of that id, which has not ended; raises RequestError."""
        session = self.session(name)
        if session.model.has_ended:
            raise RequestError(ErrorCode.NOT_RUNNING, f"session {name} has ended")
        return session

    def session_infos(self, client: Connection) -> Tuple[SessionInfo, ...]:
        """Every session that `client` may know of."""
        now = self.clock.now()
        models = (session.model for session in self.sessions.values())
        return tuple(model.info(now) for model in models if sees(client.rights, model.tags))

    # -- events ---------------------------------------------------------------------------------------------------

    async def record(
        self, events: Iterable[NewEvent], also: Optional[Callable[[Any], None]] = None
    ) -> List[StoredEvent]:
        """Commit events, with `also` in the same transaction, then let every consumer have them. Raises StoreError."""
        batch = list(events)

        def write(connection: Any) -> List[StoredEvent]:
            if also is not None:
                also(connection)
            return records.insert_events(connection, batch)

        stored: List[StoredEvent] = await self.write(write)
        for event in stored:
            self.events.add(event)
        if stored:
            for connection in self.connections:
                connection.wake()
        return stored

    async def record_surely(self, events: Iterable[NewEvent], also: Optional[Callable[[Any], None]] = None) -> None:
        """Commit events, however long the disk stays full."""
        batch = list(events)
        while True:
            try:
                await self.record(batch, also)
            except FencedError:
                return
            except StoreError as error:
                log.warning("events cannot be recorded, trying again: %s", error)
                await asyncio.sleep(RETRY_STORE)
            else:
                return

    async def write(self, function: Callable[[Any], Any]) -> Any:
        """Write to the store; an agent that a newer one has fenced off ends itself. Raises StoreError."""
        try:
            return await self.store.write(function)
        except FencedError as error:
            self.stop(str(error))
            raise

    def event(
        self, key: str, kind: EventKind, session: LiveSession, at: Optional[Moment] = None, **data: Any
    ) -> NewEvent:
        """An event of `session` that happens now, or at `at`."""
        return NewEvent(f"{key} {session.model.id}", kind, at or self.clock.now(), session.model.id, data)

    def event_feed(self, after: int) -> EventFeed:
        """The events after number `after`, for one connection."""

        async def load(after: int, limit: int) -> List[StoredEvent]:
            found: List[StoredEvent] = await self.write(
                functools.partial(records.select_events, after=after, limit=limit)
            )
            return found

        return EventFeed(self.events, load, self.clock, after)

    # -- clients --------------------------------------------------------------------------------------------------

    def changed(self, session: LiveSession, at_once: bool = False) -> None:
        """Tell every client what `session` now is; `at_once` when a human waits for it."""
        name = session.model.id
        if self.sessions.get(name) is not session:
            return  # removed: what was said of its end must not be replaced
        if session.model.note_attention(self.clock.now()):
            at_once = True

        def make() -> Optional[Notice]:
            current = self.sessions.get(name)
            return SessionChanged(current.model.info(self.clock.now())) if current is not None else None

        for connection in self._who_see(session):
            connection.tell(f"session {name}", make, at_once)

    def gone(self, session: LiveSession) -> None:
        """Tell every client that a session is no more."""
        name = session.model.id
        for connection in self._who_see(session):
            connection.tell(f"session {name}", lambda: SessionGone(name), at_once=True)

    def announce(self, subject: str, notice: Notice) -> None:
        """Tell every client something that the next notice of the same subject makes old.

        One that may only deploy learns what its jobs are placed by, and nothing else.
        """
        for connection in self.connections:
            if connection.rights is Rights.ALL or isinstance(notice, FactsChanged):
                connection.tell(subject, lambda: notice)

    def _who_see(self, session: LiveSession) -> List[Connection]:
        return [connection for connection in self.connections if sees(connection.rights, session.model.tags)]

    async def send_facts(self) -> None:
        """The heartbeat: probe the machine every ten seconds and tell every client."""
        while True:
            await self.facts.probe(self.clock.boot())
            self.announce("facts", FactsChanged(self.node_facts()))
            await asyncio.sleep(FACTS_EVERY)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no passwd entry and no variable names this user
        return str(os.getuid())
