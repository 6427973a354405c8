"""`ask.snooze`: be silent about it for a while."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.asks import SnoozeAsk
from node_agent.protocol.message import Done

LONGEST = 30 * 86400.0


async def handle(context: Context, client: Connection, request: SnoozeAsk) -> Done:
    await context.asks.snooze(request.ask, min(request.seconds, LONGEST))
    return Done()
