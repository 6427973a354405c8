"""`ask.ack`: the operator has seen it."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.asks import AckAsk
from node_agent.protocol.message import Done


async def handle(context: Context, client: Connection, request: AckAsk) -> Done:
    await context.asks.ack(request.ask, client.operator)
    return Done()
