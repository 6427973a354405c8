"""`session.kill`: end every process of a session at once."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.message import Done
from node_agent.protocol.sessions import KillSession


async def handle(context: Context, client: Connection, request: KillSession) -> Done:
    session = context.agent.session(request.session)  # an ended leader may have left processes behind
    session.stopped_by = client.operator
    await context.agent.keeper.kill(session.model.id)
    return Done()
