"""Rows as they cross the wire: spans of text under one pen, cut so that a reader can crop without a width table.

A span is `[text, pen]`, `[text, pen, 2]`, `[text, pen, -1]` or `[text, pen, -2]`:

- no third item: every code point of the text fills one column;
- 2: every code point fills two columns;
- -1, -2: the whole text is one cell of one or two columns (combining marks, ZWJ sequences, variation selectors).

`pen` is a canonical string of SGR parameters ("" the default, "1;38;5;196" ...), so rows carry no state.
Blank columns at the end of a row under the default pen are left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import List, Sequence, Tuple, Union

from node_agent.terminal.engine import Cell, Color, Flag, Pen

Span = Tuple[Union[str, int], ...]

_FLAG_CODES = (
    (Flag.BOLD, "1"),
    (Flag.DIM, "2"),
    (Flag.ITALIC, "3"),
    (Flag.BLINK, "5"),
    (Flag.INVERSE, "7"),
    (Flag.HIDDEN, "8"),
    (Flag.STRIKE, "9"),
    (Flag.OVERLINE, "53"),
)


def _color(value: Color, base: int) -> str:
    if isinstance(value, int):
        if base != 50 and value < 8:
            return str(base + value)
        if base != 50 and value < 16:
            return str(base + 60 + value - 8)
        return f"{base + 8};5;{value}"
    assert value is not None
    return f"{base + 8};2;{value[0]};{value[1]};{value[2]}"


@lru_cache(maxsize=1024)
def _flag_codes(flags: int, underline_style: int) -> Tuple[str, ...]:
    codes = [code for flag, code in _FLAG_CODES if flags & flag]
    if flags & Flag.UNDERLINE:
        codes.append("4" if underline_style <= 1 else f"4:{underline_style}")
    return tuple(codes)


@lru_cache(maxsize=8192)
def pen_code(pen: Pen) -> str:
    """The pen as SGR parameters that follow a reset (ECMA-48 8.3.117; underline styles and colours after xterm)."""
    # Of 24-bit colours no cache holds enough: a screen of them has thousands of pens, each new.
    codes = [*_flag_codes(pen.flags, pen.underline_style)] if pen.flags else []
    if pen.foreground is not None:
        codes.append(_color(pen.foreground, 30))
    if pen.background is not None:
        codes.append(_color(pen.background, 40))
    if pen.underline_color is not None:
        codes.append(_color(pen.underline_color, 50))
    return ";".join(codes)


def row_spans(cells: Sequence[Cell]) -> List[Span]:
    """Cut `cells` into wire spans."""
    end = len(cells)
    while end and cells[end - 1].text == " " and not pen_code(cells[end - 1].pen):
        end -= 1
    spans: List[Span] = []
    text = ""
    pen = ""
    width = 1
    column = 0
    while column < end:
        cell = cells[column]
        code = pen_code(cell.pen)
        wide = column + 1 < len(cells) and cells[column + 1].text == ""
        cell_width = 2 if wide else 1
        cell_text = cell.text or " "
        if text and (code != pen or cell_width != width or len(cell_text) > 1):
            spans.append((text, pen) if width == 1 else (text, pen, 2))
            text = ""
        if len(cell_text) > 1:
            spans.append((cell_text, code, -cell_width))
        else:
            text += cell_text
        pen, width = code, cell_width
        column += cell_width
    if text:
        spans.append((text, pen) if width == 1 else (text, pen, 2))
    return spans
