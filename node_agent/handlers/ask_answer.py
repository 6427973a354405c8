"""`ask.answer`: answer the ask that is on screen, and no other."""

from __future__ import annotations

from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.asks import AnswerAsk, Answered


async def handle(context: Context, client: Connection, request: AnswerAsk) -> Answered:
    return await context.answering.answer(client, request)
