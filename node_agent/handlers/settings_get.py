"""`settings.get`: mutes and channel switches of the node."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.settings import GetSettings, NodeSettings


async def handle(context: Context, client: Connection, request: GetSettings) -> NodeSettings:
    return context.settings.public()
