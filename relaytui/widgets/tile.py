"""A tile: one session's live region in a frame.

A tile draws lines from a view model and a screen and never asks anybody for anything. `show` says what it is of,
`flush` gives it the screen as it is now: an unchanged row is the same object, so comparing them by identity tells
which lines to repaint, and an unchanged screen costs one comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.events import Click
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from node_agent.terminal.delta import ScreenModel
from node_agent.terminal.spans import WireRow
from relaytui.widgets.frame import bottom_edge, frame_style, top_edge
from relaytui.widgets.live_region import live_top, text_extent
from relaytui.widgets.look import Look
from relaytui.widgets.row_segments import row_segments
from relaytui.widgets.text import Line, blank
from relaytui.widgets.view import Hint, TileView

_FRAME = 2
_STRIPS_KEPT = 4
"""Strips cached, as a multiple of the tile's height."""


class Tile(Widget):
    """A frame around the live region of one session's screen, or nothing where it has no session."""

    DEFAULT_CSS = "Tile { width: 1fr; height: 1fr; }"

    class Picked(Message):
        """The operator clicked on a tile."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._view: TileView | None = None
        self._is_focused = False
        self._label = ""
        self._hints: tuple[Hint, ...] = ()
        self._screen: ScreenModel | None = None
        self._rows: Sequence[WireRow] = ()
        self._top = 0
        self._hides_above = self._hides_below = False
        self._cursor: tuple[int, int] | None = None
        self._lines: dict[int, Strip] = {}
        self._strips: dict[WireRow, Strip] = {}

    @property
    def view(self) -> TileView | None:
        return self._view

    @property
    def is_focused(self) -> bool:
        return self._is_focused

    def show(
        self, view: TileView | None, *, is_focused: bool = False, label: str = "", hints: Sequence[Hint] = ()
    ) -> None:
        """Say which session this is of and how it stands; repaints what that changes."""
        before, was_focused = self._view, self._is_focused
        if (view, is_focused, label, tuple(hints)) == (before, was_focused, self._label, self._hints):
            return
        self._view, self._is_focused, self._label, self._hints = view, is_focused, label, tuple(hints)
        if before is None or view is None or before.key != view.key:
            self._screen = None
        elif was_focused == is_focused and (before.status, before.is_faded) == (view.status, view.is_faded):
            self._repaint({0, self.outer_size.height - 1})
            return
        self._settle()
        self._repaint_all()

    def flush(self, screen: ScreenModel | None) -> bool:
        """Show the screen as it is now and repaint the lines that differ; whether there were any."""
        if screen is self._screen:
            return False
        rows, cursor, above, below = self._rows, self._cursor, self._hides_above, self._hides_below
        self._screen = screen
        self._settle()
        if len(rows) != len(self._rows):
            self._repaint_all()
            return True
        lines = {y for y, row in enumerate(self._rows, 1) if row is not rows[y - 1]}
        if cursor != self._cursor:
            lines.update(place[0] + 1 for place in (cursor, self._cursor) if place is not None)
        if above != self._hides_above:
            lines.add(0)
        if below != self._hides_below:
            lines.add(self.outer_size.height - 1)
        self._repaint(lines)
        return bool(lines)

    def set_look(self, look: Look) -> None:
        """Draw in another theme from now on."""
        self._look = look
        self._repaint_all()

    def on_resize(self) -> None:
        self._settle()
        self._repaint_all()

    def on_click(self, event: Click) -> None:
        event.stop()
        if self._view is not None:
            self.post_message(self.Picked(self._view.key))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of `crop`, kept between frames.

        The toolkit's own way asks for every line of every tile between two that changed and builds several strips
        for each; a tile has no border, padding or tint of the style sheet's, so its lines are drawn as they are.
        """
        lines = [self._lines.get(y) or self._draw_line(y) for y in crop.line_range]
        if crop.column_span != (0, self.outer_size.width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines

    def render_line(self, y: int) -> Strip:
        width, height = self.outer_size
        view = self._view
        if view is None:
            return blank(width, self._look.base)
        if height <= _FRAME or width <= _FRAME:
            return self._render_sliver(view, width, y)
        if y == 0:
            return top_edge(
                view, width, self._look, is_focused=self._is_focused, label=self._label, is_cropped=self._hides_above
            )
        if y == height - 1:
            return bottom_edge(
                view, width, self._look, is_focused=self._is_focused, hints=self._hints, is_cropped=self._hides_below
            )
        return self._render_row(view, y - 1, width)

    def _draw_line(self, y: int) -> Strip:
        strip = self.render_line(y)
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # pens and roles are in 24 bits already
                strip = strip.apply_filter(line_filter, self.background_colors[1])
        self._lines[y] = strip
        return strip

    def _repaint(self, lines: set[int]) -> None:
        for y in lines:
            self._lines.pop(y, None)
        if lines:
            self.refresh(*[Region(0, y, self.outer_size.width, 1) for y in lines])

    def _repaint_all(self) -> None:
        self._lines.clear()
        self._strips.clear()
        self.refresh()

    def _settle(self) -> None:
        """Take the rows to draw from the screen as it is now."""
        screen = self._screen
        height = max(0, self.outer_size.height - _FRAME)
        if screen is None:
            self._rows, self._top, self._cursor = (), 0, None
            self._hides_above = self._hides_below = False
            return
        row, column, is_visible, _ = screen.cursor
        self._top = live_top(
            screen.rows, row if is_visible else None, height, is_alternate=screen.modes.alternate_screen
        )
        self._rows = screen.rows[self._top : self._top + height]
        first, last = text_extent(screen.rows)
        self._hides_above, self._hides_below = first < self._top, last >= self._top + height
        is_alive = self._view is not None and self._view.is_alive
        shows_cursor = self._is_focused and is_alive and is_visible and self._top <= row < self._top + height
        self._cursor = (row - self._top, column) if shows_cursor else None

    def _render_row(self, view: TileView, y: int, width: int) -> Strip:
        row = self._rows[y] if y < len(self._rows) else ()
        cursor = self._cursor[1] if self._cursor is not None and self._cursor[0] == y else None
        strip = self._strips.get(row) if cursor is None else None
        if strip is None:
            strip = self._framed(view, row, width, cursor)
            if cursor is None:
                if len(self._strips) > _STRIPS_KEPT * self.outer_size.height:
                    self._strips.clear()
                self._strips[row] = strip
        return strip

    def _framed(self, view: TileView, row: WireRow, width: int, cursor: int | None) -> Strip:
        look = self._look
        edge_style = look.base + frame_style(view, look, is_focused=self._is_focused)
        side = Segment(look.border(is_heavy=view.is_asking).vertical, edge_style)
        style = look.faded if view.is_faded else None
        return Strip([side, *row_segments(row, width - _FRAME, look, style=style, cursor=cursor), side], width)

    def _render_sliver(self, view: TileView, width: int, y: int) -> Strip:
        """What is left of a tile without room for a frame: its state and name."""
        if y:
            return blank(width, self._look.base)
        look = self._look
        style = look.filled("focus") if self._is_focused else look.status(view.status)
        return Line(width, look.base).add(f"{look.symbols.status[view.status]} {view.key} {view.title}", style).strip()
