"""A tile's frame: the title in its top edge, what can be done or must be known in its bottom edge."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from relaytui.widgets.look import Look
from relaytui.widgets.text import Line
from relaytui.widgets.view import Hint, TileView

_SHORTEST_TITLE = 6
"""Fewer columns of a title than this say nothing, and are left to the edge."""


def top_edge(
    view: TileView, width: int, look: Look, *, is_focused: bool = False, label: str = "", is_cropped: bool = False
) -> Strip:
    """The top edge: state, node/id, title and age; a dashed line where rows are hidden above.

    Where it is narrow the title goes first, then the age, then the state's word, and node/id is cut last.
    """
    border = look.border(is_heavy=view.is_asking)
    edge = border.dashed if is_cropped else border.horizontal
    status = look.faded if view.is_faded else look.muted if view.is_put_aside else look.status(view.status)
    edge_style = frame_style(view, look, is_focused=is_focused)
    if is_focused:
        filled = look.filled(view.status.value if view.is_asking else "focus")
        edge = " " if not is_cropped else edge
        status = text = strong = filled
        line_style = filled
    else:
        text = look.faded if view.is_faded else look.muted
        strong = look.faded if view.is_faded else look.strong
        line_style = edge_style

    line = Line(width, look.base, look.symbols.ellipsis)
    line.add(border.top_left, edge_style)
    inner = width - 2
    if label:
        line.add(f" {label} ", look.filled("focus"))
        inner -= len(label) + 2
    parts = _title_parts(view, inner, look, marker=is_focused and look.symbols.shown_by_marker)
    for index, (role, part) in enumerate(parts):
        style = {"status": status, "key": strong}.get(role, text)
        if index and not is_focused:
            line.add(edge, line_style)
        line.add(f" {part} ", style)
    age = f" {view.age} " if view.age else ""
    shows_age = bool(age) and line.room > cell_len(age)
    line.fill(edge, line_style, leave=1 + (cell_len(age) if shows_age else 0))
    if shows_age:
        line.add(age, text)
    return line.add(border.top_right, edge_style).strip()


def frame_style(view: TileView, look: Look, *, is_focused: bool) -> Style:
    """The colour of a tile's edges."""
    if view.is_asking:
        return look.status(view.status)
    return look.focus if is_focused else look.border_line


def _title_parts(view: TileView, width: int, look: Look, *, marker: bool) -> list[tuple[str, str]]:
    symbols = look.symbols
    symbol = symbols.status[view.status]
    lead = f"{symbols.marker} {symbol}" if marker else symbol
    title = symbols.fold(view.title)
    word = ("status", f"{lead} {view.word}")
    key = ("key", symbols.fold(view.key))
    age = cell_len(view.age) + 2
    room = width - sum(cell_len(part) + 3 for _, part in (word, key)) - age - 2
    if title and room >= _SHORTEST_TITLE:
        return [word, key, ("title", Line(room, ellipsis=symbols.ellipsis).add(title).strip().text.rstrip())]
    if sum(cell_len(part) + 3 for _, part in (word, key)) - 1 <= width:
        return [word, key]
    return [("status", lead), key]


def bottom_edge(
    view: TileView,
    width: int,
    look: Look,
    *,
    is_focused: bool = False,
    hints: Sequence[Hint] = (),
    is_cropped: bool = False,
) -> Strip:
    """The bottom edge: the focused tile's keys, and at its right a fact such as who types."""
    border = look.border(is_heavy=view.is_asking)
    edge = border.dashed if is_cropped else border.horizontal
    style = frame_style(view, look, is_focused=is_focused)
    line = Line(width, look.base, look.symbols.ellipsis)
    line.add(border.bottom_left, style)
    badge = f" {look.symbols.fold(view.badge)} " if view.badge else ""
    if is_focused:
        add_hints(line, hints, look, leave=1 + cell_len(badge))
    if badge and line.room > cell_len(badge) + 1:
        line.fill(edge, style, leave=1 + cell_len(badge)).add(badge, look.muted)
    return line.fill(edge, style, leave=1).add(border.bottom_right, style).strip()


def add_hints(line: Line, hints: Sequence[Hint], look: Look, *, leave: int = 0) -> None:
    """Add as many `key title` pairs as fit whole, most important first."""
    for index, hint in enumerate(hints):
        separator = f" {look.symbols.separator} " if index else " "
        if line.room - leave < cell_len(f"{separator}{hint.key} {hint.title} "):
            break
        line.add(separator, look.border_line).add(hint.key, look.key).add(f" {hint.title}", look.muted)
    if hints and line.room > leave:
        line.add(" ")
