"""The clock that counts from the machine's start, and what tells one start from the next. For agent and keeper."""

from __future__ import annotations

import os
import time

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Does not jump. Only Linux has one that counts suspend under this name."""


def boot_id() -> str:
    """What differs after each start of the machine, "" where it does not say; `RELAY_BOOT_ID` stands in for it."""
    given = os.environ.get("RELAY_BOOT_ID")
    if given:
        return given
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
