"""When a connection that is open is believed in no longer: the node is silent, or we may not get through to it."""

from __future__ import annotations

from collections.abc import Callable

from relaytui.link.client import STALE_AFTER, NodeClient
from relaytui.link.prompts import Desk

_SUSPECT_AFTER = 0.7
"""Seconds of silence that are enough right after a wake."""

_STUCK_AFTER = 2.0
"""Seconds without an answer to a ping after which a connection may be stuck.

Twice the last round trip where that is longer: a slow network would have us log in without end.
"""


class Doubt:
    """Judges a link's connections by what is heard on them."""

    def __init__(self, clock: Callable[[], float], desk: Desk) -> None:
        self._clock = clock
        self._desk = desk
        self._woke: float | None = None

    def suspect(self) -> None:
        """The machine may have slept: what has been silent since is soon taken for dead."""
        self._woke = self._clock()

    def trust(self) -> None:
        """There is a connection that was not there before."""
        self._woke = None

    def silent_in(self, client: NodeClient) -> float:
        """Seconds until `client` has been silent for too long, as far as is known now; 0 or less: it has."""
        if self._woke is not None and client.last_heard <= self._woke:
            return self._woke + _SUSPECT_AFTER - self._clock()
        return STALE_AFTER - client.silence()

    def due_in(self, client: NodeClient) -> float:
        """Seconds until another connection is to be tried beside `client`, which is silent then, or may be stuck.

        A login that asks the operator is not begun before there is silence.
        """
        silent_in = self.silent_in(client)
        if self._desk.has_asked:
            return silent_in
        return min(silent_in, max(_STUCK_AFTER, 2 * (client.rtt or 0)) - client.unanswered())
