"""`session.resize`: the terminal's size."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.handlers.session_start import MOST_CELLS
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Done
from node_agent.protocol.sessions import ResizeSession


async def handle(context: Context, client: Connection, request: ResizeSession) -> Done:
    session = context.agent.running_session(request.session)
    if not (1 <= request.columns <= MOST_CELLS and 1 <= request.rows <= MOST_CELLS):
        raise RequestError(
            ErrorCode.BAD_SIZE, f"{request.columns}x{request.rows} is no size: both must be 1 to {MOST_CELLS}"
        )
    context.keyboard.check_lease(session, client.client)
    await context.adoption.resize(session, request.columns, request.rows)
    return Done()
