"""Where tiles go: pure arithmetic from a number of sessions and a size to rectangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.geometry import Region

LIST_BELOW: Final = 80
"""Columns below which sessions are a list with one preview."""
TWO_COLUMNS_BELOW: Final = 120

_MIN_WIDTH = 30
_MIN_HEIGHT = 7
_GOOD_WIDTH = 58  # tiles of a grid that scrolls are not made smaller than this where there is room
_GOOD_HEIGHT = 10
_GUTTER = 1
_TYPICAL = (80, 24)
_LARGE = (120, 40)


@dataclass(frozen=True)
class Plan:
    """A grid of `columns` x `rows` slots in `width` x `height` cells."""

    columns: int
    rows: int
    width: int
    height: int

    @property
    def slots(self) -> int:
        return self.columns * self.rows

    def region(self, slot: int) -> Region:
        """The rectangle of a slot; the last column and row take what division leaves over."""
        row, column = divmod(slot, self.columns)
        gutter = _GUTTER if self.columns > 1 else 0
        left, right = (self._cut(self.width + gutter, self.columns, at) for at in (column, column + 1))
        top, bottom = (self._cut(self.height, self.rows, at) for at in (row, row + 1))
        return Region(left, top, max(1, right - left - gutter), max(1, bottom - top))

    @staticmethod
    def _cut(length: int, parts: int, at: int) -> int:
        return length * at // parts


def plan_grid(count: int, width: int, height: int) -> Plan:
    """The grid for `count` sessions: all of them where tiles stay legible, else as many as are, to be scrolled.

    Among the layouts that show all, the one that shows most of a screen of 80x24 wins.
    """
    count = max(1, count)
    most = 2 if width < TWO_COLUMNS_BELOW else max(2, (width + _GUTTER) // (_MIN_WIDTH + _GUTTER))
    candidates = [
        Plan(columns, -(-count // columns), width, height)
        for columns in range(1, min(most, count) + 1)
        if height // -(-count // columns) >= _MIN_HEIGHT
    ]
    if candidates:
        return max(candidates, key=_shown)
    columns = min(count, most, max(2, width // _GOOD_WIDTH))
    return Plan(columns, min(-(-count // columns), max(1, height // _GOOD_HEIGHT)), width, height)


def _shown(plan: Plan) -> tuple[int, ...]:
    region = plan.region(0)
    return tuple(min(region.width - 2, size[0]) * min(region.height - 2, size[1]) for size in (_TYPICAL, _LARGE))


def scroll_to(plan: Plan, count: int, first_row: int, index: int) -> int:
    """The first row of slots to show so that session `index` is in sight, moving no more than needed."""
    row = index // plan.columns
    last_row = max(0, -(-count // plan.columns) - plan.rows)
    return max(0, min(max(min(first_row, row), row - plan.rows + 1), last_row))
