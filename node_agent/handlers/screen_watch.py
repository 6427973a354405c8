"""`screen.watch`: row deltas of a session's screen."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.streams import ScreenFeed
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.streams import StreamOpened, WatchScreen

MOST_STREAMS = 512
MOST_HISTORY = 1000


async def handle(context: Context, client: Connection, request: WatchScreen) -> StreamOpened:
    session = context.agent.session(request.session)
    check_room(client)
    history = max(0, min(request.history, MOST_HISTORY))
    feed = ScreenFeed(session, context.agent.clock, request.interval, history, client.wake)
    engine = session.emulation.engine
    stream = client.next_stream()
    client.add_feed(feed, stream)
    return StreamOpened(stream, session.emulation.offset, session.model.head, engine.columns, engine.rows)


def check_room(client: Connection) -> None:
    """Refuse a client that opens streams without end."""
    if len(client.feeds) >= MOST_STREAMS:
        raise RequestError(ErrorCode.BUSY, f"{MOST_STREAMS} streams are open on this connection; close some")
