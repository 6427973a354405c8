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
    segments: list[Segment] = []
    column = 0
    for index, span in enumerate(row):
        end = column + span_width(span)
        if end >= width:
            segments += _at_edge(row[index:], width - column, look, style)
            break
        segments.append(_segment(span, look, style))
        column = end
    else:
        segments.append(Segment(" " * (width - column), look.base))
    return segments if cursor is None or not 0 <= cursor < width else _with_cursor(segments, cursor, width)


def _at_edge(rest: WireRow, room: int, look: Look, style: Style | None) -> list[Segment]:
    """The spans from the one that reaches the right edge on, `room` columns before it."""
    if not _has_text_beyond(rest, room):
        return [_segment(span, look, style) for span in _filled(rest, room)]
    segments = [_segment(span, look, style) for span in _filled(rest, room - 1)]
    return [*segments, Segment(look.symbols.ellipsis, look.base + look.muted)]


def _filled(spans: WireRow, width: int) -> WireRow:
    """Spans cut to `width` columns, with the default blanks at the end that a row leaves out."""
    cut = crop_spans(spans, 0, width)
    missing = width - row_width(cut)
    return (*cut, (" " * missing, "")) if missing else cut


def _has_text_beyond(spans: WireRow, width: int) -> bool:
    """Whether there are characters after `width` columns; blanks in a colour of their own are not text."""
    column = 0
    for span in spans:
        text, _, kind = span_parts(span)
        beyond = text if column >= width or kind != 1 else text[width - column :]
        column += span_width(span)
        if column > width and not beyond.isspace():
            return True
    return False


def _segment(span: Span, look: Look, style: Style | None) -> Segment:
    return Segment(_measured(span), look.pen(str(span[1])) if style is None else style)


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
