"""`screen.tune`: the pace of a watched screen."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.streams import ScreenFeed
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.message import Done
from node_agent.protocol.streams import TuneScreen


async def handle(context: Context, client: Connection, request: TuneScreen) -> Done:
    feed = client.feeds.get(request.stream)
    if not isinstance(feed, ScreenFeed):
        raise RequestError(ErrorCode.BAD_REQUEST, f"stream {request.stream} is no watched screen")
    feed.tune(request.interval)
    return Done()
