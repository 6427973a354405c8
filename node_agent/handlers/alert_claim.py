"""`alert.claim`: the right to send one alert through one channel."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.alerts import AlertClaim, ClaimAlert


async def handle(context: Context, client: Connection, request: ClaimAlert) -> AlertClaim:
    return await context.alerts.claim(request.key, request.channel, request.sender)
