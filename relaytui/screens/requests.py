"""Requests from a screen: what went wrong becomes one line for the operator, never an exception."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from node_agent.protocol.errors import ProtocolError, RequestError
from node_agent.terminal.sanitise import sanitise
from relaytui.link.errors import LinkError

T = TypeVar("T")

_LIMIT = 300


@dataclass(frozen=True)
class Failure:
    """Why a request failed, and that as one line."""

    error: Exception
    text: str


async def describe_failure(reply: Awaitable[object]) -> Failure | None:
    """Wait for a reply that says nothing but that it is done; None when it came."""
    result = await outcome(reply)
    return result if isinstance(result, Failure) else None


async def outcome(reply: Awaitable[T]) -> T | Failure:
    """The reply, or why there is none."""
    try:
        return await reply
    except (RequestError, LinkError, ProtocolError, TimeoutError, OSError) as error:
        text = sanitise(str(error), _LIMIT)
        return Failure(error, text or "the node did not answer in time")
