"""What is given up when space runs out or time has passed. Pure: it plans, the keeper removes.

The drop order, the same for the node's quota and for the free-space floor:

1. whole segments of ended sessions, the one that ended first first, but failures nobody has seen;
2. segments of running sessions that are not being written, from the session that takes most;
3. the past of the largest segment being written: it is ended early and then dropped;
4. segments of failures nobody has seen, except their last.

An ended session goes as a whole when it has been over for `EXPIRY`; a failure nobody has seen never does.
"""

from __future__ import annotations

import enum
from typing import Iterable, List, NamedTuple, Optional

NODE_QUOTA = 5 * 1024 * 1024 * 1024
FREE_FLOOR = 256 * 1024 * 1024
EXPIRY = 14 * 24 * 3600.0
SMALLEST_CUT = 1024 * 1024
"""A segment being written is not ended early below this: that would free next to nothing and lose the screen's past."""


class Holding(NamedTuple):
    """What one session takes on disk, in bytes."""

    session: str
    closed: int  # in segments that are not being written
    active: int  # in the segment being written, or the last one of an ended session
    ended: Optional[float] = None  # Unix seconds, None while it runs
    unseen_failure: bool = False


class Step(enum.Enum):
    DROP_OLDEST = "drop the oldest segment that is not being written"
    DROP_LAST = "drop the last segment of an ended session"
    CUT = "end the segment being written, then drop it"


class Drop(NamedTuple):
    session: str
    step: Step


def next_drop(holdings: Iterable[Holding]) -> Optional[Drop]:
    """The next thing to give up, or None when nothing may be."""
    holdings = list(holdings)
    ended = [h for h in holdings if h.ended is not None and not h.unseen_failure and h.closed + h.active > 0]
    if ended:
        oldest = min(ended, key=lambda h: (h.ended, h.session))
        return Drop(oldest.session, Step.DROP_OLDEST if oldest.closed else Step.DROP_LAST)
    running = [h for h in holdings if h.ended is None]
    with_closed = [h for h in running if h.closed]
    if with_closed:
        return Drop(_largest(with_closed).session, Step.DROP_OLDEST)
    cuttable = [h for h in running if h.active >= SMALLEST_CUT]
    if cuttable:
        return Drop(_largest(cuttable).session, Step.CUT)
    failures = [h for h in holdings if h.unseen_failure and h.closed]
    if failures:
        return Drop(min(failures, key=lambda h: (h.ended or 0.0, h.session)).session, Step.DROP_OLDEST)
    return None


def expired(holdings: Iterable[Holding], now: float, expiry: float = EXPIRY) -> List[str]:
    """The ended sessions whose time is over at `now` (Unix seconds)."""
    return [h.session for h in holdings if h.ended is not None and not h.unseen_failure and now - h.ended > expiry]


def _largest(holdings: List[Holding]) -> Holding:
    return max(holdings, key=lambda h: (h.closed + h.active, h.session))
