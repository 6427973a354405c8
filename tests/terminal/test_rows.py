"""Cells become spans that need no width table to read."""

from __future__ import annotations

import pytest

from node_agent.terminal.engine import DEFAULT_PEN, Cell, Flag, Pen
from node_agent.terminal.rows import Span, pen_code, row_spans

BOLD = Pen(flags=Flag.BOLD)


def cells(text: str, pen: Pen = DEFAULT_PEN) -> list[Cell]:
    found: list[Cell] = []
    for char in text:
        found += [Cell(char, pen), Cell("", pen)] if char > "\u3000" else [Cell(char, pen)]
    return found


@pytest.mark.parametrize(
    ("row", "spans"),
    [
        ([], []),
        (cells("   "), []),
        (cells("ab  "), [("ab", "")]),
        (cells("  ab"), [("  ab", "")]),
        (cells("  ", Pen(background=1)), [("  ", "41")]),
        (cells("ab") + cells("c", BOLD), [("ab", ""), ("c", "1")]),
        (cells("a漢字b"), [("a", ""), ("漢字", "", 2), ("b", "")]),
        ([Cell("e\u0301", DEFAULT_PEN), *cells("x")], [("e\u0301", "", -1), ("x", "")]),
        ([Cell("👨\u200d👩", BOLD), Cell("", BOLD)], [("👨\u200d👩", "1", -2)]),
        ([Cell("", DEFAULT_PEN), *cells("x")], [(" x", "")]),
    ],
)
def test_spans(row: list[Cell], spans: list[Span]) -> None:
    assert row_spans(row) == spans


@pytest.mark.parametrize(
    ("pen", "code"),
    [
        (DEFAULT_PEN, ""),
        (Pen(1, 10), "31;102"),
        (Pen(196, (1, 2, 3)), "38;5;196;48;2;1;2;3"),
        (Pen(flags=Flag.UNDERLINE, underline_style=1), "4"),
        (Pen(flags=Flag.UNDERLINE | Flag.INVERSE, underline_style=3, underline_color=5), "7;4:3;58;5;5"),
        (Pen(flags=Flag.PROTECTED, link="http://x"), ""),
    ],
)
def test_pen_codes(pen: Pen, code: str) -> None:
    assert pen_code(pen) == code
