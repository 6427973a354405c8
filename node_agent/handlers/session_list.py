"""`session.list`: every session of the node."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.requests import ListSessions, SessionList


async def handle(context: Context, client: Connection, request: ListSessions) -> SessionList:
    now = context.agent.clock.now()
    return SessionList(tuple(session.model.info(now) for session in context.agent.sessions.values()))
