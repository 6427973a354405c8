"""The agent's clocks, in one place, so that tests can move time."""

from __future__ import annotations

import os
import time

from node_agent.core.moment import Moment

_BOOT_CLOCK = getattr(
    time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC
)  # macOS has no clock that counts sleep under this name


class Clock:
    """Boot time, which does not jump, and wall-clock time, both in seconds."""

    def __init__(self) -> None:
        self.boot_id = _read_boot_id()

    def boot(self) -> float:
        return time.clock_gettime(_BOOT_CLOCK)

    def now(self) -> Moment:
        return Moment(self.boot_id, self.boot(), time.time())


def _read_boot_id() -> str:
    """What tells this run of the machine from others; RELAY_BOOT_ID stands in for a reboot in tests."""
    given = os.environ.get("RELAY_BOOT_ID")
    if given:
        return given
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"boot-{round(time.time() - time.monotonic(), -1):.0f}"
