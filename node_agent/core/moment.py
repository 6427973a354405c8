"""Points in time that can be compared after an agent's restart and, as well as it goes, after a reboot."""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """A point in time on both clocks, in seconds.

    The boot clock does not jump but starts anew with the machine; the wall clock jumps but goes on.
    """

    boot_id: str
    boot: float
    wall: float

    def age_at(self, now: Moment) -> float:
        """Seconds from this moment to `now`, never negative."""
        if self.boot_id == now.boot_id:
            return max(0.0, now.boot - self.boot)
        return max(0.0, now.wall - self.wall)
