"""When a session last moved: output, changes on screen, keys, redraws of its own, CPU time."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from node_agent.detect.prompts import normalised
from node_agent.terminal.engine import Engine

BURST_GAP = 0.3
"""Output after this many seconds without is a redraw of its own."""

_CPU_WINDOW = 0.6
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

    def on_output(self, at: float) -> None:
        if at - self.last_output > BURST_GAP:
            self.flowing_since = at
            self._bursts = [*self._bursts[-3:], at]
        self.last_output = at
        self._is_looked_at = False

    def on_input(self, at: float) -> None:
        self.last_input = at
        self._bursts.clear()

    def look(self, at: float, engine: Engine) -> None:
        """Tell a change of the screen from a clock's or spinner's: only rows whose normalised text differs count."""
        if self._is_looked_at:
            return
        self._is_looked_at = True
        stamps = tuple(engine.stamps())
        changed = [row for row, stamp in enumerate(stamps) if row >= len(self._stamps) or stamp != self._stamps[row]]
        self._stamps = stamps
        if len(changed) > _FEW_ROWS:
            self._texts.clear()
            self.last_change = self.last_output
            return
        for row in changed:
            text = normalised(engine.text(row))
            if self._texts.get(row) != text:
                self._texts[row] = text
                self.last_change = self.last_output

    def on_cpu(self, at: float, used: float) -> None:
        """`used` is the session's CPU time so far; a smaller one starts anew."""
        if self._cpu and used < self._cpu[-1][1]:
            self._cpu.clear()
        self._cpu.append((at, used))
        while len(self._cpu) > 2 and at - self._cpu[1][0] >= _CPU_WINDOW:
            self._cpu.pop(0)

    def cpu_share(self) -> float:
        """Share of a core used over the last half second or so; 0 while that cannot be told."""
        if len(self._cpu) < 2:
            return 0.0
        (start, before), (end, after) = self._cpu[0], self._cpu[-1]
        return (after - before) / (end - start) if end - start >= 0.04 else 0.0

    def period(self) -> float:
        """The longest gap between the last redraws the program made by itself, in seconds; 0 for fewer than three."""
        if len(self._bursts) < 3:
            return 0.0
        return max(later - earlier for earlier, later in zip(self._bursts, self._bursts[1:]))
