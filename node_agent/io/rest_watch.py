"""Wakes detections at rest as soon as something in their session runs, though it prints nothing.

One timer looks at all of them, a microsecond a thread, so that a program which computes in silence and then asks is
seen at once, and hundreds that sleep cost nothing that could be measured.
"""

from __future__ import annotations

import asyncio
from typing import Dict, Optional, Protocol

SWEEP = 0.6
"""Seconds between two looks at a session at rest."""


class Resting(Protocol):
    """A detection that waits for something to happen."""

    def has_moved(self) -> bool: ...

    def stir(self) -> None: ...


class RestWatch:
    """The detections at rest of one agent."""

    def __init__(self) -> None:
        self._resting: Dict[Resting, None] = {}
        self._timer: Optional[asyncio.TimerHandle] = None

    def watch(self, detection: Resting) -> None:
        """Stir `detection` when something moves, until it is left alone."""
        self._resting[detection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def leave(self, detection: Resting) -> None:
        self._resting.pop(detection, None)

    def _sweep(self) -> None:
        self._timer = None
        for detection in [detection for detection in self._resting if detection.has_moved()]:
            detection.stir()
        if self._resting:
            self._timer = asyncio.get_running_loop().call_later(SWEEP, self._sweep)
