"""Paces what a client is told of changing state: the latest value wins, and no subject is told of too often."""

from __future__ import annotations

from typing import Dict, Generic, Hashable, Optional, TypeVar

K = TypeVar("K", bound=Hashable)

MOST_SUBJECTS = 4096
"""Subjects remembered for their pace; beyond it the oldest are forgotten."""


class Pacer(Generic[K]):
    """Which subjects are due. Times are seconds of one monotonic clock; what to say is looked up when it is due."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: Dict[K, float] = {}
        self._told: Dict[K, float] = {}

    def mark(self, subject: K, now: float, at_once: bool = False) -> None:
        """`subject` changed. It is due `interval` seconds after it was last told of, or now with `at_once`."""
        earliest = now if at_once else max(now, self._told.get(subject, -self._interval) + self._interval)
        self._due[subject] = min(self._due.get(subject, earliest), earliest)

    def take_one(self, now: float) -> Optional[K]:
        """The subject that has been due longest, or None while none is."""
        if not self._due:
            return None
        subject = min(self._due, key=self._due.__getitem__)
        if self._due[subject] > now:
            return None
        del self._due[subject]
        self._told.pop(subject, None)
        self._told[subject] = now
        if len(self._told) > MOST_SUBJECTS:
            del self._told[next(iter(self._told))]
        return subject

    def next_due(self) -> Optional[float]:
        """When `take_one` will have something, or None."""
        return min(self._due.values()) if self._due else None
