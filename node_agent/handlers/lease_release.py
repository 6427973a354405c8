"""`lease.release`: give up the right to type."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.message import Done
from node_agent.protocol.sending import ReleaseLease


async def handle(context: Context, client: Connection, request: ReleaseLease) -> Done:
    await context.keyboard.release_lease(context.agent.session(request.session), client.client)
    return Done()
