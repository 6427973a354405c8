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
from node_agent.terminal.spans import WireRow, crop_spans, row_width, span_parts, span_width
from relaytui.widgets.look import Look

_CURSOR = Style(reverse=True)


def row_segments(
    row: WireRow, width: int, look: Look, *, style: Style | None = None, cursor: int | None = None
) -> list[Segment]:
    """A row in `width` columns from its left edge, in its own pens or all in `style`.

    A row with text beyond that ends in a mark; the cell in column `cursor` is reversed.
    """
    if width <= 0:
        return []
    used = row_width(row)
    is_cut = used > width and _text_width(row) > width
    if used > width:
        row = crop_spans(row, 0, width - is_cut)
        used = row_width(row)
    segments = [Segment(_measured(span), look.pen(str(span[1])) if style is None else style) for span in row]
    blanks = width - is_cut - used
    if blanks > 0:
        segments.append(Segment(" " * blanks, look.base))
    if is_cut:
        segments.append(Segment(look.symbols.ellipsis, look.base + look.muted))
    return segments if cursor is None or not 0 <= cursor < width else _with_cursor(segments, cursor, width)


def _text_width(row: WireRow) -> int:
    """Columns up to the last character; blanks in a colour of their own after it are not text."""
    width = end = 0
    for span in row:
        width += span_width(span)
        text = str(span[0])
        if not text.isspace():
            end = width - (len(text) - len(text.rstrip()))
    return end


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
