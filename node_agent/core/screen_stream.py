"""Flow control of one watched screen: when its next frame may go out.

Theory. One frame is in flight at most and the next one is made when it is acked, against the screen the client then
has: the latest state wins, nothing is queued, and a flooding session costs one screen a round trip. A program that has
opened a synchronised update (DEC mode 2026) is waited for, but not longer than `SYNC_LIMIT`. Whoever acks at once takes
a small share of the node's time all the same: a colourful screen takes longer to read than to draw.
"""

from __future__ import annotations

from typing import Optional

SYNC_LIMIT = 0.15
"""Seconds a synchronised update may hold back a frame; xterm and kitty use similar limits."""

FRAME_REST = 4.0
"""Seconds without a frame for each that was spent on making the last one."""

_SHORTEST, _LONGEST = 0.0, 10.0


class ScreenStream:
    """The state of one stream. Times are seconds of one monotonic clock, revisions count the stream's frames from 1."""

    def __init__(self, interval: float) -> None:
        self.revision = 0
        self._is_acked = True
        self._is_dirty = True
        self._interval = 0.0
        self._last_sent: Optional[float] = None
        self._rest = 0.0
        self._held_since: Optional[float] = None
        self.tune(interval)

    def tune(self, interval: float) -> None:
        """Change the least time between frames, in seconds."""
        self._interval = min(max(interval, _SHORTEST), _LONGEST)

    def mark_dirty(self) -> None:
        """The screen has changed, or may have."""
        self._is_dirty = True

    def ack(self, revision: int) -> None:
        """The client has taken in frame `revision`."""
        if revision == self.revision:
            self._is_acked = True

    def due_at(self, now: float, is_synchronized: bool) -> Optional[float]:
        """When the next frame may be sent (not after `now`: at once), or None while there is nothing to wait for."""
        if not (self._is_dirty and self._is_acked):
            return None
        earliest = now if self._last_sent is None else self._last_sent + max(self._interval, self._rest)
        if not is_synchronized:
            self._held_since = None
            return earliest
        if self._held_since is None:
            self._held_since = now
        return max(earliest, self._held_since + SYNC_LIMIT)

    def clean(self) -> None:
        """The screen turned out to be what the client already has."""
        self._is_dirty = False

    def sent(self, now: float, took: float = 0.0) -> int:
        """A frame goes out that took so many seconds to make: the revision it carries."""
        self.revision += 1
        self._is_acked = False
        self._is_dirty = False
        self._held_since = None
        self._last_sent = now
        self._rest = took * FRAME_REST
        return self.revision
