"""When a session last moved: output, changes on screen, keys, redraws of its own, CPU time."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from node_agent.detect.prompts import normalised
from node_agent.terminal.engine import Engine

BURST_GAP = 0.3
"""Output after this many seconds without is a redraw of its own."""

_CPU_WINDOW = 0.6
_RUNNING = 0.15
_FEW_ROWS = 6


class Activity:
    """Times are the caller's monotonic seconds."""

    def __init__(self, at: float) -> None:
        self.last_output = at
        self.last_change = at
        self.last_input = at
        self.flowing_since = at
        self._bursts: List[float] = []
        self._stamps: Sequence[int] = ()
        self._texts: Dict[int, str] = {}
        self._is_looked_at = True
        self._cpu: List[Tuple[float, float]] = []
        self._running_since: Optional[float] = None
        self._is_running_still = False

    def on_output(self, at: float) -> None:
        if at - self.last_output > BURST_GAP:
            self.flowing_since = at
            self._bursts = [*self._bursts[-3:], at]
        self.last_output = at
        self._is_looked_at = False

    def on_input(self, at: float) -> None:
        self.last_input = at
        self._bursts.clear()

    def look(self, engine: Engine) -> bool:
        """Whether the screen changed since the last look by more than clocks and spinners.

        Only rows whose normalised text differs count; the change is dated to the last output.
        """
        if self._is_looked_at:
            return False
        self._is_looked_at = True
        stamps = tuple(engine.stamps())
        changed = [row for row, stamp in enumerate(stamps) if row >= len(self._stamps) or stamp != self._stamps[row]]
        self._stamps = stamps
        is_changed = len(changed) > _FEW_ROWS
        if is_changed:
            self._texts.clear()
        else:
            for row in changed:
                text = normalised(engine.text(row))
                is_changed = is_changed or self._texts.get(row) != text
                self._texts[row] = text
        if is_changed:
            self.last_change = self.last_output
        return is_changed

    def on_cpu(self, at: float, used: float, is_running: bool) -> None:
        """`used` is the session's CPU time so far; a smaller one starts anew."""
        if not is_running:
            self._running_since = None
        elif self._running_since is None:
            self._running_since = at
        self._is_running_still = self._running_since is not None and at - self._running_since >= _RUNNING
        if self._cpu and used < self._cpu[-1][1]:
            self._cpu.clear()
        self._cpu.append((at, used))
        while len(self._cpu) > 2 and at - self._cpu[1][0] >= _CPU_WINDOW:
            self._cpu.pop(0)

    def cpu_share(self) -> float:
        """Share of a core used over the last half second or so; 0 while that cannot be told.

        Seen running at every look of a while counts as a whole core: on a crowded machine the clock shows less.
        """
        if self._is_running_still:
            return 1.0
        if len(self._cpu) < 2:
            return 0.0
        (start, before), (end, after) = self._cpu[0], self._cpu[-1]
        return (after - before) / (end - start) if end - start >= 0.04 else 0.0

    def period(self) -> float:
        """The longest gap between the last redraws the program made by itself, in seconds; 0 for fewer than three."""
        if len(self._bursts) < 3:
            return 0.0
        return max(later - earlier for earlier, later in zip(self._bursts, self._bursts[1:]))
