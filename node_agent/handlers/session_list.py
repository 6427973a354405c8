"""`session.list`: every session of the node that the client may know of."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.sessions import ListSessions, SessionList


async def handle(context: Context, client: Connection, request: ListSessions) -> SessionList:
    return SessionList(context.agent.session_infos(client))
