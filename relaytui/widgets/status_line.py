"""The line at the top: how many nodes and sessions, who asks, what is wrong, in which order, what time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from relaytui.widgets.canvas import Canvas
from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import NodeView, Status, SummaryView

_SHORTEST_TROUBLE = 16


def plural(count: int, word: str) -> str:
    """`1 node`, `3 nodes`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


class StatusLine(Canvas):
    DEFAULT_CSS = "StatusLine { height: 1; dock: top; }"

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="status")
        self._summary = SummaryView()

    def show(self, summary: SummaryView) -> None:
        if summary != self._summary:
            self._summary = summary
            self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Strip]:
        look, now = self.look, self._summary
        line = Line(width, look.bar, look.symbols.ellipsis)
        line.add(" ")
        if now.asking:
            line.add(f"{look.symbols.status[Status.ASKING]} {now.asking} asking", look.status(Status.ASKING)).add("  ")
        line.add(plural(now.sessions, "session"), look.text).add(f"  {plural(now.nodes, 'node')}")
        if now.lost:
            line.add("  ").add(f"{look.symbols.status[Status.LOST]} {now.lost} lost", look.status(Status.FAILED))
        if now.suspended:
            pause = look.symbols.pause
            line.add("  ").add(f" {pause} {now.suspended} ", look.filled("failed"))
        if now.filter:
            shown = look.symbols.fold(now.filter)
            line.add("  ").add(f"/{shown}", look.key).add(f" {now.shown} of {now.sessions}")
        right = f"{now.order} {look.symbols.menu}   {now.clock} " if now.order else f"{now.clock} "
        leave = cell_len(right)
        if line.room <= leave + 1:
            return [line.strip()]
        self._add_troubles(line, now.troubles, leave)
        return [line.fill(leave=leave).add(right).strip()]

    def _add_troubles(self, line: Line, troubles: Sequence[NodeView], leave: int) -> None:
        room = line.room - leave - 4
        if not troubles or room < _SHORTEST_TROUBLE:
            return
        first = troubles[0]
        more = f"  +{len(troubles) - 1} more" if len(troubles) > 1 else ""
        what = f"{first.name}: {first.word}" + (f", {first.detail}" if first.detail else "")
        cut = Line(room - len(more), ellipsis=self.look.symbols.ellipsis).add(self.look.symbols.fold(what))
        line.add("   ").add(cut.strip().text.rstrip() + more, self.look.muted)
