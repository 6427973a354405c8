"""Which terminal queries may still be answered.

The agent reads journals and may read one again after its death. A program that asked long ago, or was answered, would
take a second reply for typed keys. So a reply names the offset its query ends at, and each offset is answered once and
within a second of its arrival.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, List, Optional, Tuple

from node_agent.keeper.control import Refused

MAX_AGE_NS = 1_000_000_000
_GRAIN_NS = 50_000_000


class QueryAges:
    """How old the journal's last bytes are, to 50 ms, and the highest offset a query was answered at."""

    __slots__ = ("_marks", "answered")

    def __init__(self) -> None:
        self.answered = 0
        self._marks: Deque[Tuple[int, int]] = deque()

    def output(self, head: int, now: int) -> None:
        """The journal has grown to `head` at `now` (boot time in nanoseconds)."""
        if self._marks and now - self._marks[-1][0] < _GRAIN_NS:
            self._marks[-1] = (self._marks[-1][0], head)
            return
        self._marks.append((now, head))
        while len(self._marks) > 1 and now - self._marks[1][0] > MAX_AGE_NS:
            self._marks.popleft()

    def refusal(self, offset: int, now: int) -> Optional[Refused]:
        """Why the query that ends at `offset` may not be answered at `now`, or None."""
        if offset <= self.answered:
            return Refused.ANSWERED
        too_old = 0
        for time, head in self._marks:
            if now - time > MAX_AGE_NS:
                too_old = head
        return Refused.TOO_OLD if offset <= too_old else None

    def dump(self) -> List[Any]:
        return [self.answered, [list(mark) for mark in self._marks]]

    @classmethod
    def load(cls, fields: List[Any]) -> QueryAges:
        ages = cls()
        ages.answered = fields[0]
        ages._marks.extend((time, head) for time, head in fields[1])
        return ages
