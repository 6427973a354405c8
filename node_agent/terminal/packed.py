"""Rows without cells: the compact form of history and checkpoints, in which every engine hands rows on."""

from __future__ import annotations

from typing import Any, Iterable, List, NamedTuple, Sequence, Tuple, Union

from node_agent.terminal.engine import DEFAULT_PEN, Cell

WIDE_PAD = "\0"
"""Stands in a row's text for the second column of a wide character; no control is ever a cell."""


class PackedRow(NamedTuple):
    """One row. `text` is a string where every cell is one code point, else one string a cell.

    `runs` is flat, pen and columns in turn, and covers the text; columns beyond it are blank under the default pen.
    """

    text: Union[str, Sequence[str]]
    runs: Tuple[Any, ...]
    wrapped: bool


BLANK_ROW = PackedRow("", (), False)


def pack_cells(cells: Iterable[Cell], wrapped: bool) -> PackedRow:
    """The row of `cells`, without the default blanks at its end unless the next row continues it."""
    texts: List[str] = []
    runs: List[Any] = []
    for cell in cells:
        texts.append(cell.text or WIDE_PAD)
        if runs and runs[-2] == cell.pen:
            runs[-1] += 1
        else:
            runs += (cell.pen, 1)
    if not wrapped:
        trim_blanks(texts, runs)
    return PackedRow(join_cells(texts), tuple(runs), wrapped)


def trim_blanks(texts: List[str], runs: List[Any]) -> None:
    """Take the blanks under the default pen off the end of a row, in place."""
    while texts and texts[-1] == " " and runs[-2] == DEFAULT_PEN:
        texts.pop()
        runs[-1] -= 1
        if not runs[-1]:
            del runs[-2:]


def join_cells(texts: List[str]) -> Union[str, Sequence[str]]:
    """The text of a row from its cells: one string where that loses nothing."""
    text = "".join(texts)
    return text if len(text) == len(texts) else tuple(texts)


def unpack_cells(row: PackedRow) -> List[Cell]:
    """The cells of `row`, as many as it has."""
    cells: List[Cell] = []
    column = 0
    for index in range(0, len(row.runs), 2):
        pen, count = row.runs[index : index + 2]
        cells += [Cell("" if text == WIDE_PAD else text, pen) for text in row.text[column : column + count]]
        column += count
    return cells


def packed_text(row: PackedRow) -> str:
    """The characters of `row`, wide ones once, trailing blanks stripped."""
    return "".join(row.text).replace(WIDE_PAD, "").rstrip(" ")
