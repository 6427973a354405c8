"""How eagerly a terminal is read that prints without end, while somebody types.

A flood and a key's way through a dozen processes share the machine, and a terminal that is read as fast as it can be
filled leaves the key little of it. So for a moment after each key a terminal that has used up its allowance rests
between two turns, and its child waits. With nobody typing none does.
"""

from __future__ import annotations

from typing import Callable, Optional

from node_agent.keeper.loop import Loop, Timer

ALLOWANCE = 16 * 1024
"""Bytes read without a rest after a quiet time: full redraws of a screen are not held up."""

A_SECOND = 2_000_000
"""Bytes a second at which the allowance comes back: who prints less never rests."""

REST = 0.008
"""Seconds; a terminal's buffers fill in less, so that a resting flood prints some 2 MB a second."""

TYPING = 1.0
"""Seconds after a key in which somebody is taken to be typing."""


class Eagerness:
    """One terminal's. `leave_alone` is told when its rest begins (True) and ends."""

    __slots__ = ("_at", "_is_typed", "_leave_alone", "_left", "_loop", "_timer")

    def __init__(self, loop: Loop, is_typed: Callable[[], bool], leave_alone: Callable[[bool], None]) -> None:
        self._loop = loop
        self._is_typed = is_typed
        self._leave_alone = leave_alone
        self._at = 0.0
        self._left = float(ALLOWANCE)
        self._timer: Optional[Timer] = None

    def has_read(self, size: int) -> None:
        """A turn has read `size` bytes."""
        now = self._loop.now()
        left = min(ALLOWANCE, self._left + (now - self._at) * A_SECOND) - size
        self._left = max(-ALLOWANCE, left)  # a flood is not held against what comes after it
        self._at = now
        if left < 0 and self._timer is None and self._is_typed():
            self._timer = self._loop.call_after(REST, self.end_rest)
            self._leave_alone(True)

    def end_rest(self) -> None:
        """Read on, if the terminal rests."""
        if self._timer is not None:
            self.stop()
            self._leave_alone(False)

    def stop(self) -> None:
        """The terminal is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Typing:
    """Whether somebody types into any session of the keeper."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at = float("-inf")

    def key(self, now: float) -> None:
        self._at = now

    def is_on(self, now: float) -> bool:
        return now - self._at < TYPING
