"""`events.list`: past events."""

from __future__ import annotations

import functools

from node_agent.handlers.context import Context
from node_agent.io import records
from node_agent.io.connection import Connection
from node_agent.protocol.events import EventList, ListEvents

MOST = 1000


async def handle(context: Context, client: Connection, request: ListEvents) -> EventList:
    read = functools.partial(
        records.select_events,
        after=request.after,
        limit=max(0, min(request.limit, MOST)),
        session=request.session,
        kind=request.kind,
    )
    now = context.agent.clock.now()
    return EventList(tuple(event.record(now) for event in await context.agent.write(read)))
