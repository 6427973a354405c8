"""`alert.list`: alerts with what channels did about them."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.alerts import AlertList, ListAlerts

MOST = 1000


async def handle(context: Context, client: Connection, request: ListAlerts) -> AlertList:
    limit = max(0, min(request.limit, MOST))
    return AlertList(tuple(await context.alerts.listed(request.after, limit, request.only_open)))
