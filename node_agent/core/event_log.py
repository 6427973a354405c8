"""Durable events as values, and the recent ones in memory, so that live consumers cost the store nothing."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any, Deque, Dict, List, NamedTuple, Optional

from node_agent.core.moment import Moment
from node_agent.protocol.entities import EventRecord
from node_agent.protocol.ids import NO_SESSION, SessionId
from node_agent.protocol.states import EventKind

MOST_IN_MEMORY = 1000


class NewEvent(NamedTuple):
    """An event to be recorded. `key` names what happened: the same thing is recorded once, however often tried."""

    key: str
    kind: EventKind
    at: Moment
    session: SessionId = NO_SESSION
    data: Dict[str, Any] = {}  # noqa: RUF012 - never changed: a default of a NamedTuple


class StoredEvent(NamedTuple):
    n: int
    kind: EventKind
    at: Moment
    session: SessionId
    data: Dict[str, Any]

    def record(self, now: Moment) -> EventRecord:
        return EventRecord(self.n, self.kind, self.at.age_at(now), self.session, self.data)


class EventLog:
    """The events after some number, without a gap up to the last one."""

    def __init__(self, oldest: int, last: int) -> None:
        self.oldest = oldest  # kept in the store
        self.last = last
        self._recent: Deque[StoredEvent] = deque(maxlen=MOST_IN_MEMORY)

    def add(self, event: StoredEvent) -> None:
        """An event was committed. One that nobody told of, since who recorded it was cancelled, is in the store."""
        if event.n <= self.last:
            return
        if event.n != self.last + 1:
            self._recent.clear()
        self._recent.append(event)
        self.last = event.n

    def after(self, n: int, limit: int) -> Optional[List[StoredEvent]]:
        """Up to `limit` events after number `n`, or None when some of them are no longer in memory."""
        if n >= self.last:
            return []
        first = self._recent[0].n if self._recent else self.last + 1
        if n + 1 < first:
            return None
        skip = next(i for i, event in enumerate(self._recent) if event.n > n)
        return list(islice(self._recent, skip, skip + limit))
