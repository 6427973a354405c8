"""`bytes.open`: a session's output as bytes, attached or not."""

from __future__ import annotations

import functools

from node_agent.core.byte_stream import ByteMode, ByteStream
from node_agent.handlers.context import Context
from node_agent.handlers.screen_watch import MOST_HISTORY, check_room
from node_agent.io.connection import Connection
from node_agent.io.keeper_client import KeeperError
from node_agent.io.live_session import LiveSession
from node_agent.io.streams import ByteFeed
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.streams import OpenBytes, StreamOpened

_ENDED = ("not_running", "gone")
"""The keeper knows the end of a session a moment before the agent does."""


async def handle(context: Context, client: Connection, request: OpenBytes) -> StreamOpened:
    session = context.agent.session(request.session)
    check_room(client)
    mode = _mode(request)
    has_lease = False
    if mode is ByteMode.ATTACH and not session.model.has_ended and not request.read_only:
        client.sessions_taken.add(session.model.id)
        holder = client.holder._replace(attach=request.attach)
        has_lease = await context.keyboard.take_lease(session, holder, request.steal)
        if has_lease and request.columns > 0 and request.rows > 0:
            await _resize(context, session, request)
    model = session.model
    start = request.offset
    if start is None and mode is not ByteMode.ATTACH:
        start = model.first
    elif start is not None:
        start = max(0, min(start, model.head))
    flow = ByteStream(mode, start, request.window, model.head if mode is ByteMode.DOWNLOAD else None)
    stream = client.next_stream()
    feed = ByteFeed(
        session,
        flow,
        context.agent.clock,
        max(0, min(request.history, MOST_HISTORY)),
        wake=client.wake,
        take_input=functools.partial(_take_input, context, client, stream, session, mode, request.read_only),
        on_over=functools.partial(client.end_stream, stream),
        on_end=functools.partial(_on_end, context, client, session, has_lease),
    )
    client.add_feed(feed, stream)
    engine = session.emulation.engine
    return StreamOpened(stream, flow.sent, model.head, engine.columns, engine.rows, has_lease)


async def _resize(context: Context, session: LiveSession, request: OpenBytes) -> None:
    """Give a session the terminal's size; one that ends at this moment is shown as it is."""
    try:
        await context.adoption.resize(session, request.columns, request.rows)
    except KeeperError as error:
        if error.code not in _ENDED:
            raise


def _mode(request: OpenBytes) -> ByteMode:
    try:
        return ByteMode(request.mode)
    except ValueError:
        raise RequestError(ErrorCode.BAD_REQUEST, f"there is no mode {request.mode!r} of a byte stream") from None


def _take_input(
    context: Context,
    client: Connection,
    stream: int,
    session: LiveSession,
    mode: ByteMode,
    read_only: bool,
    number: int,
    data: bytes,
) -> None:
    if mode is ByteMode.ATTACH and not read_only:
        context.keyboard.type_raw(client, stream, session, number, data)
    else:
        refusal = RequestError(ErrorCode.REFUSED, "this stream takes no input")
        client.send_input_ack(stream, number, refusal)


def _on_end(context: Context, client: Connection, session: LiveSession, had_lease: bool) -> None:
    """The stream was closed by either side while the connection goes on: its right to type goes with it."""
    if had_lease and client.is_open:
        work = context.keyboard.release_lease(session, client.client)
        context.agent.tasks.spawn(work, name=f"release the lease of {session.model.id}")
