"""`session.remove`: forget an ended session and its journal."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Done
from node_agent.protocol.sessions import RemoveSession


async def handle(context: Context, client: Connection, request: RemoveSession) -> Done:
    session = context.agent.session(request.session)
    if not session.model.has_ended:
        raise RequestError(ErrorCode.STILL_RUNNING, f"session {request.session} is still running: stop it first")
    await context.agent.keeper.forget(session.model.id)
    await context.adoption.remove(session)
    return Done()
