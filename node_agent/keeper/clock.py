"""The keeper's clocks and the machine's boot id; nothing else in the keeper asks the system for a time of day."""

from __future__ import annotations

import time

from node_agent import boot_time
from node_agent.journal.index import Moment


def moment() -> Moment:
    """Now, for the journal's index."""
    return Moment(time.clock_gettime_ns(boot_time.CLOCK), time.time_ns())


def wall() -> float:
    """Unix seconds."""
    return time.time()


def boot_id() -> str:
    """Where there is none, sessions found without an exit record count as lost by the keeper's end."""
    return boot_time.boot_id() or "unknown"
