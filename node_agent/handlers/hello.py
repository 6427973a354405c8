"""`hello`: who the client is, who the node is, and everything a client needs to begin."""

from __future__ import annotations

from node_agent.core.rights import Rights
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.hello import Hello, HelloReply
from node_agent.terminal.sanitise import sanitise

NAME_LIMIT = 100


async def handle(context: Context, client: Connection, request: Hello) -> HelloReply:
    agent = context.agent
    client.operator = sanitise(request.operator, NAME_LIMIT).strip() or "somebody"
    client.wants_notices = request.watch
    now = agent.clock.now()
    return HelloReply(
        node=agent.info(),
        sessions=agent.session_infos(client),
        last_event=agent.events.last,
        facts=agent.node_facts(),
        asks=context.outside.infos(now) if client.rights is Rights.ALL else (),
    )
