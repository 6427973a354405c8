"""`alert.raise`: an alert by hand, or one that only a hub can know of."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.alerts import RaiseAlert
from node_agent.protocol.entities import Alert


async def handle(context: Context, client: Connection, request: RaiseAlert) -> Alert:
    return await context.alerts.raise_by_hand(request)
