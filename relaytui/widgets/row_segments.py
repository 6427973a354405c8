"""Rows of a session's screen as segments.

Rows were checked and masked where they came in. What is left to hold here is their width: where the terminal library
measures a cell otherwise than the row says, the cell is replaced, so that nothing after it is out of place.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from node_agent.terminal.rows import Span
from node_agent.terminal.sanitise import REPLACEMENT
from node_agent.terminal.spans import WireRow, crop_spans, row_width, span_parts
from relaytui.widgets.look import Look

_CURSOR = Style(reverse=True)


def row_segments(
    row: WireRow, width: int, look: Look, *, style: Style | None = None, cursor: int | None = None
) -> list[Segment]:
    """A row in `width` columns from its left edge, in its own pens or all in `style`.

    A row that is wider ends in a mark; the cell in column `cursor` is reversed.
    """
    if width <= 0:
        return []
    used = row_width(row)
    is_cut = used > width
    if is_cut:
        row = crop_spans(row, 0, width - 1)
        used = row_width(row)
    segments = [Segment(_measured(span), look.pen(str(span[1])) if style is None else style) for span in row]
    blanks = width - is_cut - used
    if blanks > 0:
        segments.append(Segment(" " * blanks, look.base))
    if is_cut:
        segments.append(Segment(look.symbols.ellipsis, look.base + look.muted))
    return segments if cursor is None or not 0 <= cursor < width else _with_cursor(segments, cursor, width)


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


def _with_cursor(segments: list[Segment], column: int, width: int) -> list[Segment]:
    before, under, after = Segment.divide(segments, [column, column + 1, width])
    return [*before, *Segment.apply_style(under, post_style=_CURSOR), *after]
