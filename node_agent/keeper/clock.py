"""The keeper's clocks and the machine's boot id; nothing else in the keeper asks the system for a time of day."""

from __future__ import annotations

import os
import time

from node_agent.journal.index import Moment

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux only; elsewhere suspend is not counted


def moment() -> Moment:
    """Now, for the journal's index."""
    return Moment(time.clock_gettime_ns(_BOOT_CLOCK), time.time_ns())


def wall() -> float:
    """Unix seconds."""
    return time.time()


def boot_id() -> str:
    """What differs after each start of the machine; `RELAY_BOOT_ID` stands in for it."""
    given = os.environ.get("RELAY_BOOT_ID")
    if given:
        return given
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "unknown"  # sessions found without an exit record then count as lost by the keeper's end
