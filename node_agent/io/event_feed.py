"""Sends one consumer the events after its cursor, from memory where they are, else from the store."""

from __future__ import annotations

from typing import Awaitable, Callable, List, Optional

from node_agent.core.event_log import EventLog, StoredEvent
from node_agent.io.clock import Clock
from node_agent.protocol.codec import to_wire
from node_agent.protocol.frames import FrameType, encode_json

LoadEvents = Callable[[int, int], Awaitable[List[StoredEvent]]]
"""Reads up to a number of events after a number from the store."""

BATCH = 200


class EventFeed:
    """The events of one connection, from `after` on."""

    def __init__(self, log: EventLog, load: LoadEvents, clock: Clock, after: int) -> None:
        self._log = log
        self._load = load
        self._clock = clock
        self._after = after
        self._batch: List[StoredEvent] = []

    async def next_frame(self) -> Optional[bytes]:
        """The next event's frame, or None while there is none."""
        if not self._batch:
            if self._after >= self._log.last:
                return None
            recent = self._log.after(self._after, BATCH)
            batch = await self._load(self._after, BATCH) if recent is None else recent
            if not batch:
                return None
            self._after = batch[-1].n
            self._batch = batch[::-1]
        event = self._batch.pop()
        return encode_json(FrameType.EVENT, to_wire(event.record(self._clock.now())), number=event.n)
