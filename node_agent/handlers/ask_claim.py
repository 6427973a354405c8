"""`ask.claim`: the operator is handling it."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.asks import ClaimAsk
from node_agent.protocol.message import Done

LONGEST = 86400.0


async def handle(context: Context, client: Connection, request: ClaimAsk) -> Done:
    await context.asks.claim(request.ask, client.operator, min(request.seconds, LONGEST))
    return Done()
