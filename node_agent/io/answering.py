"""Answers asks."""

from __future__ import annotations

from node_agent.io.agent import Agent
from node_agent.io.connection import Connection
from node_agent.io.keyboard import Keyboard
from node_agent.io.open_asks import OpenAsks
from node_agent.protocol.asks import AnswerAsk, Answered
from node_agent.protocol.errors import ErrorCode, RequestError


class Answering:
    """Answers asks."""

    def __init__(self, agent: Agent, keyboard: Keyboard, asks: OpenAsks) -> None:
        self._agent = agent
        self._keyboard = keyboard
        self._asks = asks

    async def answer(self, client: Connection, request: AnswerAsk) -> Answered:
        raise RequestError(ErrorCode.REFUSED, "not yet")
