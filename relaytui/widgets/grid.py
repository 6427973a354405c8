"""The grid: a slot for each tile in sight.

Slots are widgets that stay; which session a slot shows is changed by telling it. So scrolling, filtering and ordering
mount nothing, and only what is in sight exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.geometry import Offset, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from node_agent.terminal.delta import ScreenModel
from relaytui.widgets.look import Look
from relaytui.widgets.plan import Plan, plan_grid, scroll_to
from relaytui.widgets.tile import Tile
from relaytui.widgets.view import Hint, TileView


class _PlanLayout(Layout):
    name = "plan"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, TileGrid)
        plan = parent.plan
        return [
            WidgetPlacement(plan.region(slot), Offset(0, 0), Spacing.all(0), child)
            for slot, child in enumerate(children)
            if slot < plan.slots
        ]


class TileGrid(Widget):
    """Shows the sessions `keys` names, as many as fit, the one in focus always among them."""

    DEFAULT_CSS = "TileGrid { width: 1fr; height: 1fr; }"

    class Resized(Message):
        """Another set of sessions may be in sight now."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="grid")
        self._look = look
        self._count = 0
        self._first_row = 0
        self._plan = plan_grid(1, 1, 1)
        self._plan_layout = _PlanLayout()

    @property
    def layout(self) -> Layout:
        return self._plan_layout

    @property
    def plan(self) -> Plan:
        return self._plan

    @property
    def tiles(self) -> list[Tile]:
        return [child for child in self.children if isinstance(child, Tile)]

    def window(self, count: int, focus: int) -> range:
        """Which of `count` sessions are in sight when number `focus` has to be."""
        self._count = count
        self._replan()
        self._first_row = scroll_to(self._plan, count, self._first_row, max(0, focus))
        start = self._first_row * self._plan.columns
        return range(start, min(count, start + self._plan.slots))

    def show(
        self, views: Sequence[TileView], focus: str, hints: Sequence[Hint], labels: Mapping[str, str] | None = None
    ) -> None:
        """Show the sessions in sight, in their order."""
        self._fit_slots()
        for tile, view in zip(self.tiles, [*views, *[None] * len(self.children)], strict=False):
            if view is None:
                tile.show(None)
                continue
            is_focused = view.key == focus
            label = labels.get(view.key, "") if labels else ""
            tile.show(view, is_focused=is_focused, label=label, hints=hints if is_focused else ())

    def flush(self, screen_of: Callable[[str], ScreenModel | None]) -> None:
        """Repaint what changed of the screens in sight."""
        for tile in self.tiles:
            if tile.view is not None:
                tile.flush(screen_of(tile.view.key))

    def tile_of(self, key: str) -> Tile | None:
        """The tile a session is in, if it is in sight."""
        return next((tile for tile in self.tiles if tile.view is not None and tile.view.key == key), None)

    def set_look(self, look: Look) -> None:
        self._look = look
        for tile in self.tiles:
            tile.set_look(look)

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def _replan(self) -> None:
        plan = plan_grid(self._count, max(1, self.size.width), max(1, self.size.height))
        if plan != self._plan:
            self._plan = plan
            self._clear_arrangement_cache()  # the toolkit keeps places for a size and children, whatever the plan
            self.refresh(layout=True)

    def _fit_slots(self) -> None:
        slots = min(self._plan.slots, max(self._count, 1))
        have = self.tiles
        if len(have) < slots:
            self.mount(*[Tile(self._look) for _ in range(slots - len(have))])
        for tile in have[slots:]:
            tile.remove()
