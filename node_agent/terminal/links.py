"""Which links of a program (OSC 8) are news: both engines tell of a target once while it is remembered.

A program that draws its screen again opens the same links each time, and one that prints a list of files thousands of
them; neither may push out what else it has told its terminal.
"""

from __future__ import annotations

from typing import Dict, Iterable, Optional

from node_agent.terminal.engine import Event, EventKind

LINK_LIMIT = 2048
"""Characters of a target; a longer one is none."""

TARGETS_REMEMBERED = 64
EVENTS_WAITING = 32
"""Links that wait to be drained at most; what opens beyond that is not told."""


def link_of(argument: str) -> Optional[str]:
    """The target in `parameters ; target`; None where the link ends or is too long."""
    target = argument.partition(";")[2]
    return target if target and len(target) <= LINK_LIMIT else None


class SeenLinks:
    """The targets met lately, the latest last."""

    def __init__(self) -> None:
        self._seen: Dict[str, None] = {}

    def is_news(self, target: str, waiting: Iterable[Event]) -> bool:
        """Whether to tell of `target`, now that the events `waiting` are not drained yet."""
        if target in self._seen:
            del self._seen[target]
            self._seen[target] = None
            return False
        self._seen[target] = None
        if len(self._seen) > TARGETS_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return sum(event.kind is EventKind.HYPERLINK for event in waiting) < EVENTS_WAITING
