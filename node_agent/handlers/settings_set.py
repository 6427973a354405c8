"""`settings.set`: change mutes and channel switches by compare-and-set."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.settings import NodeSettings, SetSettings


async def handle(context: Context, client: Connection, request: SetSettings) -> NodeSettings:
    return await context.settings.set(request.settings, client.operator)
