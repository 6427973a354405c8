"""Follows the journals: each session with new output gets a slice of time in turn, and the loop its turn between.

Emulation is what the agent spends its time on, and keys must not feel it. So a slice is short, and while somebody types
the follower sleeps after it in proportion: a process that rests is woken at once by the kernel when a key comes, one
that always computes waits for its turn behind every other. Sessions that nobody watches rest more while they print, and
most while somebody types; who watches a screen that is behind does not wait for their rest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable, Deque, Optional

from node_agent.io.clock import Clock
from node_agent.io.live_session import LiveSession

SLICE = 0.002
"""Seconds of emulation a session gets in its turn."""

STILL = 0.004
"""Seconds without emulation after a key, in which its echo comes back and is sent on."""

MOST_STILL = 0.02
"""Seconds that keys may hold emulation off altogether."""

TYPING = 1.0
"""Seconds after a key in which somebody is taken to be typing."""

WATCHED_REST_TYPING = 1.0
UNWATCHED_REST, UNWATCHED_REST_TYPING = 0.5, 4.0
BURST_REST = 8.0
"""Seconds of rest for a second of emulation."""

WATCHED_TURNS = 4
"""Turns of watched sessions before one that nobody watches gets one."""

Step = Callable[[LiveSession], bool]
"""Takes one slice of a session's journal; False when there was nothing to take."""


class Follower:
    """The round robin. `step` takes slices, `rest` is told when a session's turn is over."""

    def __init__(self, clock: Clock, step: Step, rest: Callable[[LiveSession], None]) -> None:
        self._clock = clock
        self._step = step
        self._rest = rest
        self._watched: Deque[LiveSession] = deque()
        self._unwatched: Deque[LiveSession] = deque()
        self._turns = 0  # of watched sessions in a row
        self._timer: Optional[asyncio.TimerHandle] = None
        self._due = 0.0  # when it calls
        self._resume_at = 0.0
        self._unwatched_at = 0.0  # when the next session that nobody watches may have a turn
        self._typed_at = -TYPING
        self._still_since = 0.0
        self._still_until = 0.0
        self._is_stopped = False

    def ready(self, session: LiveSession) -> None:
        """`session` has something to take in."""
        self._queue(session)
        self._schedule()

    def be_still(self) -> None:
        """A key was typed: leave the processor to it for a moment."""
        now = self._typed_at = self._clock.boot()
        if now >= self._still_until:
            self._still_since = now
        self._still_until = min(now + STILL, self._still_since + MOST_STILL)

    def stop(self) -> None:
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._watched.clear()
        self._unwatched.clear()

    def _queue(self, session: LiveSession) -> None:
        if session not in self._watched and session not in self._unwatched:
            (self._watched if session.watchers else self._unwatched).append(session)

    def _schedule(self) -> None:
        """Have the next turn come when it is due, also where it was not so soon before."""
        due = max(self._resume_at, self._still_until, 0.0 if self._watched else self._unwatched_at)
        if self._is_stopped or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        # A timer that is due runs after what has arrived meanwhile; `call_soon` would run before.
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self._clock.boot()), self._turn)
        self._due = due

    def _turn(self) -> None:
        self._timer = None
        now = self._clock.boot()
        session = self._next(now) if now >= self._still_until else None
        if session is None:
            if self._watched or self._unwatched:
                self._schedule()
            return
        began = self._clock.boot()
        try:
            self._take(session, began + SLICE)
        finally:
            now = self._clock.boot()
            session.burst.note(session.model.head, session.emulation.offset, now)
            self._rest_after(session, now, now - began)
            if self._watched or self._unwatched:
                self._schedule()

    def _take(self, session: LiveSession, deadline: float) -> None:
        while session.is_behind and self._step(session):
            if self._clock.boot() >= deadline:
                break
        self._rest(session)
        if session.is_behind and not self._is_stopped:
            self._queue(session)  # for a turn after the rest, which is not known yet

    def _next(self, now: float) -> Optional[LiveSession]:
        may_be_unwatched = bool(self._unwatched) and now >= self._unwatched_at
        if self._watched and (self._turns < WATCHED_TURNS or not may_be_unwatched):
            self._turns += 1
            return self._watched.popleft()
        self._turns = 0
        return self._unwatched.popleft() if may_be_unwatched else None

    def _rest_after(self, session: LiveSession, now: float, worked: float) -> None:
        """Rest from `worked` seconds of emulation; who is watched does not wait for the long rest of who is not."""
        is_typing = now - self._typed_at < TYPING
        if is_typing and (session.burst.is_printing or not session.watchers):
            self._resume_at = now + worked * WATCHED_REST_TYPING
        if not session.watchers:
            self._unwatched_at = now + worked * _unwatched_rest(session, now, is_typing)


def _unwatched_rest(session: LiveSession, now: float, is_typing: bool) -> float:
    """Seconds of rest for each that a session was emulated which nobody watches."""
    if session.burst.is_on(now):
        return BURST_REST
    if is_typing:
        return UNWATCHED_REST_TYPING
    return UNWATCHED_REST if session.burst.is_printing else 0.0  # what has ended printing is caught up with
