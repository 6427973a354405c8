"""`session.send`: type chunks into a session without attaching."""

from __future__ import annotations

import asyncio
from typing import Optional

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.live_session import LiveSession
from node_agent.keeper.control import MAX_PAYLOAD, Cause
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.sending import Chunk, SendInput, Sent
from node_agent.protocol.states import EventKind
from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import UnknownKeyError, encode_key, encode_paste

MOST_CHUNKS = 1000
ECHO_LIMIT = 0.2
"""Seconds a key after pasted text waits for the text's echo: programs take a fast Enter as part of the paste."""

ECHO_POLL = 0.01


async def handle(context: Context, client: Connection, request: SendInput) -> Sent:
    agent = context.agent
    session = agent.running_session(request.session)
    _check(request)
    async with session.typing:
        await context.keyboard.take_turn(session, client.holder, request.steal)
        sent = await _type(context, session, request)
    event = agent.event(
        f"input {request.request}", EventKind.INPUT_SENT, session, operator=client.operator, bytes=sent.bytes
    )
    await agent.record([event])
    return sent


def _check(request: SendInput) -> None:
    if not request.request:
        raise RequestError(ErrorCode.BAD_REQUEST, "a send needs a request id")
    if not 1 <= len(request.chunks) <= MOST_CHUNKS:
        raise RequestError(ErrorCode.BAD_REQUEST, f"a send has 1 to {MOST_CHUNKS} chunks")
    for chunk in request.chunks:
        encode(chunk, Modes())  # a bad chunk is refused before the first is typed


async def _type(context: Context, session: LiveSession, request: SendInput) -> Sent:
    total = 0
    head = session.model.head
    after_text = False
    expect_head: Optional[int] = request.expect_head
    for number, chunk in enumerate(request.chunks):
        if after_text and chunk.text is None:
            await _wait_for_echo(session, head)
        data = encode(chunk, session.emulation.engine.modes)
        result = await context.keyboard.write(
            session, f"{request.request}/{number}", Cause.SEND.value, data, expect_head if number == 0 else None
        )
        total += len(data)
        head = result.head
        after_text = chunk.text is not None
    return Sent(head, total)


def encode(chunk: Chunk, modes: Modes) -> bytes:
    """The bytes a chunk stands for under `modes`; raises RequestError."""
    if sum(value is not None for value in (chunk.text, chunk.key, chunk.data)) != 1:
        raise RequestError(ErrorCode.BAD_REQUEST, "a chunk is exactly one of text, key and data")
    if chunk.text is not None:
        data = encode_paste(chunk.text, modes)
    elif chunk.key is not None:
        try:
            data = encode_key(chunk.key, modes)
        except UnknownKeyError as error:
            raise RequestError(ErrorCode.BAD_KEY, str(error)) from error
    else:
        try:
            data = bytes.fromhex(chunk.data or "")
        except ValueError:
            raise RequestError(ErrorCode.BAD_REQUEST, "data is bytes in hex") from None
    if len(data) > MAX_PAYLOAD:
        raise RequestError(ErrorCode.BAD_REQUEST, f"a chunk is at most {MAX_PAYLOAD} bytes")
    return data


async def _wait_for_echo(session: LiveSession, head: int) -> None:
    """Wait until output has come after `head` and paused, or for `ECHO_LIMIT`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ECHO_LIMIT
    seen = head
    while loop.time() < deadline:
        await asyncio.sleep(ECHO_POLL)
        now = session.model.head
        if now > head and now == seen:
            return
        seen = now
