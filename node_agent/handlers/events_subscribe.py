"""`events.subscribe`: send events after the client's cursor, then go on live."""

from __future__ import annotations

from node_agent.core.cursor import resume
from node_agent.core.rights import Rights
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.events import Subscribe, Subscribed
from node_agent.protocol.ids import StoreId


async def handle(context: Context, client: Connection, request: Subscribe) -> Subscribed:
    events = context.agent.events
    store = StoreId(context.agent.store.store_id)
    start = resume(store, events.oldest, events.last, request.store, request.after)
    if client.rights is Rights.ALL:  # events tell of every session
        client.events = context.agent.event_feed(start.after)
        client.wake()
    return Subscribed(store, events.last, start.is_reset)
