"""Whether a session has just begun to print faster than its screen is drawn.

Theory. What a burst prints is soon printed over, and drawing it meanwhile takes the processor from the program that
prints. So a burst is drawn mostly when it is over; one that goes on is drawn as it comes, or nobody would know for long
what its session asks.
"""

from __future__ import annotations

from typing import Optional

FAR = 256 * 1024
"""Bytes a screen may be behind its journal before it is said to be catching up."""

LONGEST = 3.0
"""Seconds after which a burst is one no more."""


class Burst:
    """The state of one session. Times are seconds of one monotonic clock, offsets the journal's."""

    def __init__(self) -> None:
        self._since: Optional[float] = None
        self._head = 0
        self.is_printing = False  # the journal has grown since it was noted before

    def note(self, head: int, drawn: int, now: float) -> None:
        """The journal ends at `head`, and is drawn up to `drawn`."""
        self.is_printing = head > self._head
        self._head = head
        if head - drawn < FAR:
            self._since = None
        elif self._since is None:
            self._since = now

    def is_on(self, now: float) -> bool:
        return self._since is not None and self.is_printing and now - self._since < LONGEST
