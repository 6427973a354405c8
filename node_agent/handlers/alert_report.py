"""`alert.report`: what came of a claimed alert."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.alerts import ReportAlert
from node_agent.protocol.message import Done


async def handle(context: Context, client: Connection, request: ReportAlert) -> Done:
    await context.alerts.report(request.key, request.channel, request.token, request.sent, request.detail)
    return Done()
