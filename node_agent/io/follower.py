"""Follows the journals: each session with new output gets a slice of time in turn, and the loop its turn between."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable, Deque

from node_agent.io.clock import Clock
from node_agent.io.live_session import LiveSession

BUDGET = 0.004
"""Seconds of emulation a session gets in its turn."""

Step = Callable[[LiveSession], bool]
"""Takes one slice of a session's journal; False when there was nothing to take."""


class Follower:
    """The round robin. `step` takes slices, `rest` is told when a session's turn is over."""

    def __init__(self, clock: Clock, step: Step, rest: Callable[[LiveSession], None]) -> None:
        self._clock = clock
        self._step = step
        self._rest = rest
        self._queue: Deque[LiveSession] = deque()
        self._is_scheduled = False
        self._is_stopped = False

    def ready(self, session: LiveSession) -> None:
        """`session` has something to take in."""
        if session not in self._queue:
            self._queue.append(session)
        self._schedule()

    def stop(self) -> None:
        self._is_stopped = True
        self._queue.clear()

    def _schedule(self) -> None:
        if not self._is_scheduled and not self._is_stopped:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_scheduled = False
        if not self._queue:
            return
        session = self._queue.popleft()
        if self._queue:
            self._schedule()  # first, so that one session's trouble does not stop the others
        deadline = self._clock.boot() + BUDGET
        while session.is_behind and self._step(session):
            if self._clock.boot() >= deadline:
                break
        self._rest(session)
        if session.is_behind and not self._is_stopped:
            self._queue.append(session)
            self._schedule()
