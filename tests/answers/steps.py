"""What every test about answers does: wait for a question, answer it, look at the screen."""

from __future__ import annotations

import itertools
from typing import Any

from node_agent.protocol.asks import AnswerAsk, Answered
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.ids import SessionId
from tests.client import Client

_numbers = itertools.count(1)


async def asking(client: Client, session: SessionId, words: str = "") -> AskInfo:
    """The open ask of a session, once it is one with these words."""

    def found() -> AskInfo | None:
        ask = client.sessions[session].ask
        return ask if ask is not None and words in ask.excerpt else None

    return await client.until(found, 25)


async def following(client: Client, ask: AskInfo) -> AskInfo:
    """The ask of a session after `ask`."""

    def found() -> AskInfo | None:
        now = client.sessions[ask.session].ask
        return now if now is not None and now.id != ask.id else None

    return await client.until(found, 25)


async def answer(client: Client, ask: AskInfo, **how: Any) -> Answered:
    """Answer as `how` says; each call is a request of its own unless told otherwise."""
    how.setdefault("request", f"test {next(_numbers)}")
    reply: Answered = await client.request(AnswerAsk(ask.id, **how))
    return reply


async def screen(client: Client, session: SessionId, words: str) -> str:
    """A session's screen once it shows `words`."""
    stream = await client.watch(session)
    return await client.until(lambda: stream.text if words in stream.text else None, 20)
