"""Measures, crops, compares and checks wire rows without cells and without a width table.

The format of a span is that of `rows.py`. Everything here returns rows in canonical form: neighbouring spans of one
pen and kind are one span, and default blanks at the end are left out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Iterable, List, Optional, Tuple, cast

from wcwidth import wcwidth

from node_agent.terminal.rows import Span
from node_agent.terminal.sanitise import REPLACEMENT, mask_hidden

WireRow = Tuple[Span, ...]

_PEN = re.compile("[0-9;:]{0,120}")
_CELL_LIMIT = 256  # code points of one cell; nobody reads more marks piled up than that
_KINDS = (1, 2, -1, -2)


def span_parts(span: Span) -> Tuple[str, str, int]:
    """A span as text, pen and kind: 1 or 2 columns a code point, or -1 or -2 for one cell of 1 or 2 columns."""
    return cast("Tuple[str, str, int]", span if len(span) > 2 else (*span, 1))


def span_width(span: Span) -> int:
    """Columns a span fills."""
    if len(span) == 2:  # nearly all are, and every row of every frame is measured
        return len(cast(str, span[0]))
    text, _, kind = span_parts(span)
    return len(text) * kind if kind > 0 else -kind


def row_width(row: Iterable[Span]) -> int:
    """Columns a row fills without its default blanks at the end."""
    return sum(map(span_width, row))


def crop_spans(row: Iterable[Span], start: int, width: int) -> WireRow:
    """The part of `row` in columns `start` to `start + width`; half a wide character becomes a space in its pen."""
    stop = start + width
    found: List[Span] = []
    column = 0
    for span in row:
        if column >= stop:
            break
        end = column + span_width(span)
        if end > start < stop:
            if column >= start and end <= stop:
                found.append(span)
            else:
                found += _crop_span(span, max(start - column, 0), min(stop, end) - column)
        column = end
    return join_spans(found)


def _crop_span(span: Span, start: int, stop: int) -> List[Span]:
    text, pen, kind = span_parts(span)
    if kind == 1:
        return [(text[start:stop], pen)]
    if kind == -2:
        return [(" ", pen)]
    whole = text[(start + 1) // 2 : stop // 2]
    found: List[Span] = [(" ", pen)] if start % 2 else []
    if whole:
        found.append((whole, pen, 2))
    if stop % 2:
        found.append((" ", pen))
    return found


def join_spans(spans: Iterable[Span]) -> WireRow:
    """The canonical row of `spans`."""
    joined: List[Span] = []
    for span in spans:
        if joined:
            text, pen, kind = span_parts(span)
            last_text, last_pen, last_kind = span_parts(joined[-1])
            if kind > 0 and kind == last_kind and pen == last_pen:
                joined[-1] = (last_text + text, pen) if kind == 1 else (last_text + text, pen, kind)
                continue
        joined.append(span)
    if joined:
        text, pen, kind = span_parts(joined[-1])
        if kind == 1 and not pen and text.endswith(" "):
            joined.pop()
            if text.rstrip(" "):
                joined.append((text.rstrip(" "), pen))
    return tuple(joined)


def patch_row(row: WireRow, spans: WireRow, column: int) -> WireRow:
    """`row` with `spans` over what stands from `column` on."""
    left = list(crop_spans(row, 0, column))
    missing = column - row_width(left)
    if missing:
        left.append((" " * missing, ""))
    after = column + row_width(spans)
    return join_spans([*left, *spans, *crop_spans(row, after, max(0, row_width(row) - after))])


def find_patch(old: WireRow, new: WireRow) -> Optional[Tuple[WireRow, int]]:
    """Spans, and where to put them over `old` to make the different `new` of it; None when `new` is about as short."""
    old_width, new_width = row_width(old), row_width(new)
    start = _common_columns(old, new, from_end=False)
    end = max(old_width, new_width)
    if old_width == new_width:
        end -= _common_columns(old, new, from_end=True)
    if start == 0 and end == new_width:
        return None
    spans = crop_spans(new, start, end - start)
    padding = end - start - row_width(spans)
    if padding:
        spans = (*spans, (" " * padding, ""))
    return (spans, start) if 2 * _wire_size(spans) < _wire_size(new) else None


def _common_columns(old: WireRow, new: WireRow, from_end: bool) -> int:
    """Columns the rows have in common at one end, cut between cells."""
    columns = 0
    step = -1 if from_end else 1
    for left, right in zip(old[::step], new[::step]):
        if left == right:
            columns += span_width(left)
            continue
        left_text, left_pen, left_kind = span_parts(left)
        right_text, right_pen, right_kind = span_parts(right)
        if left_kind == right_kind > 0 and left_pen == right_pen:
            columns += left_kind * _common_length(left_text[::step], right_text[::step])
        break
    return columns


def _common_length(left: str, right: str) -> int:
    length = 0
    for one, other in zip(left, right):
        if one != other:
            break
        length += 1
    return length


def _wire_size(row: WireRow) -> int:
    """About how many bytes the row is as JSON."""
    return sum(len(cast(str, span[0])) + len(cast(str, span[1])) + 9 for span in row)


def read_row(source: Any, columns: int) -> WireRow:
    """Check a row that came over the wire; raises ValueError.

    A node may be hostile: a character that is invisible or that a terminal obeys becomes U+FFFD here.
    """
    if not isinstance(source, list):
        raise ValueError("a row is not a list")  # noqa: TRY004 - one error class for whatever a peer sends
    row = tuple([_read_span(item) for item in source])
    if row_width(row) > columns:
        raise ValueError(f"a row is wider than {columns} columns")
    return row


def _read_span(source: Any) -> Span:
    if not isinstance(source, list) or not 2 <= len(source) <= 3:
        raise ValueError("a span is not a list of two or three")
    text, pen = source[0], source[1]
    kind = source[2] if len(source) > 2 else 1
    if not isinstance(text, str) or not text or not isinstance(pen, str) or not _PEN.fullmatch(pen):
        raise ValueError("a span without text or with a bad pen")
    if type(kind) is not int or kind not in _KINDS:
        raise ValueError(f"no such kind of span: {kind!r}")
    if kind < 0:
        return (mask_hidden(text[:_CELL_LIMIT]), pen, kind)
    if not text.isascii() or not text.isprintable():
        text = "".join(map(_visible, text))
    return (text, pen) if kind == 1 else (text, pen, kind)


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    return mask_hidden(character) if wcwidth(character) > 0 else REPLACEMENT
