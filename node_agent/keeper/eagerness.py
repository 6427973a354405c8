"""How eagerly a terminal is read that prints without end.

A terminal wakes its reader for every page or less. Read as fast as it comes, a flood costs more in wakings than in
bytes, and on a small machine takes the processor from the child that prints. So a terminal that has used up its
allowance rests between two turns: the child prints on into the terminal's buffers, and one turn does for many. While
somebody types the rests are longer, since the floods and the key's way through a dozen processes share the machine.
"""

from __future__ import annotations

from typing import Callable, Optional

from node_agent.keeper.loop import Loop, Timer

ALLOWANCE = 16 * 1024
"""Bytes read without a rest after a quiet time: full redraws of a screen are not held up."""

A_SECOND = 4_000_000
"""Bytes a second at which the allowance comes back: who prints less never rests."""

REST = 0.001
"""Seconds; the buffers hold more than any child prints in them."""

REST_TYPING = 0.008
TYPING = 1.0
"""Seconds after a key in which somebody is taken to be typing."""


class Eagerness:
    """One terminal's. `leave_alone` is told when its rest begins (True) and ends; `rest` how long it is, in seconds."""

    __slots__ = ("_at", "_leave_alone", "_left", "_loop", "_rest", "_timer")

    def __init__(self, loop: Loop, rest: Callable[[], float], leave_alone: Callable[[bool], None]) -> None:
        self._loop = loop
        self._rest = rest
        self._leave_alone = leave_alone
        self._at = 0.0
        self._left = float(ALLOWANCE)
        self._timer: Optional[Timer] = None

    def has_read(self, size: int) -> None:
        """A turn has read `size` bytes."""
        now = self._loop.now()
        self._left = min(ALLOWANCE, self._left + (now - self._at) * A_SECOND) - size
        self._at = now
        if self._left < 0 and self._timer is None:
            self._timer = self._loop.call_after(self._rest(), self.end_rest)
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

    def rest(self, now: float) -> float:
        """Seconds a flooding terminal rests now."""
        return REST_TYPING if now - self._at < TYPING else REST
