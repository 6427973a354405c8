"""Rows of a session's screen as strips.

Rows were checked and masked where they came in. What is left to hold here is their width: where the terminal library
measures a cell otherwise than the row says, the cell is replaced, so that nothing after it is out of place.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from node_agent.terminal.rows import Span
from node_agent.terminal.sanitise import REPLACEMENT
from node_agent.terminal.spans import WireRow, crop_spans, row_width, span_parts
from relaytui.widgets.look import Look

_CURSOR = Style(reverse=True)


def row_strip(row: WireRow, width: int, look: Look, *, style: Style | None = None, cursor: int | None = None) -> Strip:
    """A row in `width` columns from its left edge, in its own pens or all in `style`.

    A row that is wider ends in a mark; the cell in column `cursor` is reversed.
    """
    if width <= 0:
        return Strip([], 0)
    is_cut = row_width(row) > width
    room = width - is_cut
    shown = crop_spans(row, 0, room) if is_cut else row
    segments = [Segment(_measured(span), look.pen(str(span[1])) if style is None else style) for span in shown]
    used = row_width(shown)
    if used < room:
        segments.append(Segment(" " * (room - used), look.base))
    if is_cut:
        segments.append(Segment(look.symbols.ellipsis, look.base + look.muted))
    strip = Strip(segments, width)
    return strip if cursor is None or not 0 <= cursor < width else _with_cursor(strip, cursor)


def _measured(span: Span) -> str:
    text, _, kind = span_parts(span)
    if text.isascii():
        return text
    width = len(text) * kind if kind > 0 else -kind
    if cell_len(text) == width:
        return text
    if kind < 0:
        return REPLACEMENT + " " * (width - 1)
    return "".join(char if cell_len(char) == kind else REPLACEMENT + " " * (kind - 1) for char in text)


def _with_cursor(strip: Strip, column: int) -> Strip:
    before, under, after = strip.divide([column, column + 1, strip.cell_length])
    return Strip([*before, *Segment.apply_style(under, post_style=_CURSOR), *after], strip.cell_length)
