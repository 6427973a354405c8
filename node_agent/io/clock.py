"""The agent's clocks, in one place, so that tests can move time."""

from __future__ import annotations

import time

from node_agent import boot_time
from node_agent.core.moment import Moment


class Clock:
    """Boot time, which does not jump, and wall-clock time, both in seconds."""

    def __init__(self) -> None:
        # Where the machine has no name for its start, it is known by its time.
        self.boot_id = boot_time.boot_id() or f"boot-{round(time.time() - time.monotonic(), -1):.0f}"

    def boot(self) -> float:
        return time.clock_gettime(boot_time.CLOCK)

    def now(self) -> Moment:
        return Moment(self.boot_id, self.boot(), time.time())
