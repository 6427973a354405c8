"""`lease.take`: the right to type into a session."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.message import Done
from node_agent.protocol.sending import TakeLease


async def handle(context: Context, client: Connection, request: TakeLease) -> Done:
    session = context.agent.running_session(request.session)
    client.sessions_taken.add(session.model.id)
    if not await context.keyboard.take_lease(session, client.holder, request.steal):
        context.keyboard.check_lease(session, client.client)
    return Done()
