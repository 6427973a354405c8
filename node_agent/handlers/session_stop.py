"""`session.stop`: hang up and terminate, then kill what is left."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.message import Done
from node_agent.protocol.sessions import StopSession

LONGEST_GRACE = 3600.0


async def handle(context: Context, client: Connection, request: StopSession) -> Done:
    session = context.agent.running_session(request.session)
    session.stopped_by = client.operator
    await context.agent.keeper.stop(session.model.id, max(0.0, min(request.grace, LONGEST_GRACE)))
    return Done()
