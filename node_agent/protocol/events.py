"""Requests about the node's numbered events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Tuple, Type

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.message import Request
from node_agent.protocol.states import EventKind


@dataclass(frozen=True)
class Subscribed:
    store: StoreId
    last_event: int
    reset: bool  # the cursor was of another store or too old: events start at the oldest kept


@dataclass(frozen=True)
class Subscribe(Request):
    """Send EVENT frames after number `after` of `store`, then go on live."""

    op: ClassVar[str] = "events.subscribe"
    reply: ClassVar[Type[Any]] = Subscribed
    store: StoreId
    after: int


@dataclass(frozen=True)
class EventList:
    events: Tuple[EventRecord, ...]


@dataclass(frozen=True)
class ListEvents(Request):
    """Past events, newest last; with `kind` only those of that kind."""

    op: ClassVar[str] = "events.list"
    reply: ClassVar[Type[Any]] = EventList
    after: int = 0
    limit: int = 200
    session: Optional[SessionId] = None
    kind: Optional[EventKind] = None
