"""Waits in tests for facts, so that nothing sleeps for a guess."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT = 30.0
"""Seconds a fact may take to come true on a busy machine."""


async def eventually(fact: Callable[[], T], limit: float = LIMIT) -> T:
    """What `fact` returns once it is true; for facts outside any client, which are polled."""
    deadline = asyncio.get_running_loop().time() + limit
    while not (found := fact()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {limit} s: {fact}"
        await asyncio.sleep(0.01)
    return found
