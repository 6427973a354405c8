"""`stream.close`: no more of a stream."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Done
from node_agent.protocol.streams import CloseStream


async def handle(context: Context, client: Connection, request: CloseStream) -> Done:
    feed = client.drop_feed(request.stream)
    if feed is None:
        raise RequestError(ErrorCode.BAD_REQUEST, f"there is no stream {request.stream}")
    feed.end()
    return Done()
