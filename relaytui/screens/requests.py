"""Requests from a screen: what went wrong becomes one line for the operator, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from node_agent.protocol.errors import ProtocolError, RequestError
from node_agent.terminal.sanitise import sanitise
from relaytui.config import ConfigError
from relaytui.link.errors import LinkError
from relaytui.notify.switches import Change, change_settings
from relaytui.screens.source import FleetSource

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
    except (RequestError, LinkError, ProtocolError, TimeoutError, OSError, ConfigError) as error:
        text = sanitise(str(error), _LIMIT)
        return Failure(error, text or "the node did not answer in time")


async def change_nodes(source: FleetSource, nodes: Iterable[str], change: Change) -> list[str]:
    """Change the settings of each node; one line for each where that failed."""
    nodes = list(nodes)
    results = await asyncio.gather(
        *(outcome(change_settings(partial(source.request, alias), change)) for alias in nodes)
    )
    return [
        f"{alias}: {result.text.removeprefix(f'{alias}: ')}"
        for alias, result in zip(nodes, results, strict=True)
        if isinstance(result, Failure)
    ]
