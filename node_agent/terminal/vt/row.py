"""One row of a screen, in the cheapest form its edits so far allow.

A row has one of three forms, told apart by `length`:

- runs (`length` >= 0): written left to right. `runs` is flat, text and pen in turn; a text has one code point a
  column, a wide character being followed by `WIDE_PAD`, or is a tuple of the strings of its cells. Columns from
  `length` on are blank under `fill`, or what `rest` has there: while a row is written over from left to right, `rest`
  is what stood in it before, from its first column on. `settle` puts the two together.
- cells (`length` == CELLS): two lists, `texts` and `pens`, of one entry a column.
- shared (`length` == SHARED): as runs, but in many places at once; `owned` gives a copy that may be changed.

`stamp` is 0 after a change; the engine numbers changed rows when it is asked for stamps, so two contents never share a
number.
"""

from __future__ import annotations

from itertools import groupby
from operator import eq
from typing import Any, List, Optional, Sequence, Tuple, Union

from node_agent.terminal.engine import DEFAULT_PEN, Pen
from node_agent.terminal.packed import WIDE_PAD, PackedRow, join_cells, trim_blanks

CELLS = -1
SHARED = -2
PATCHED_LIMIT = 32
"""Entries of `runs` up to which text is written over them; in more, finding the place costs more than cells do."""


class Row:
    """A row; every method that changes it leaves no half of a wide character behind."""

    __slots__ = ("clustered", "fill", "length", "pens", "rest", "runs", "stamp", "texts", "wide", "wrapped")

    runs: List[Any]
    rest: Optional[List[Any]]
    texts: List[str]
    pens: List[Pen]

    def __init__(self, fill: Pen) -> None:
        self.runs = []
        self.rest = None
        self.length = 0
        self.fill = fill
        self.stamp = 0
        self.wide = False  # whether a wide character may be in it
        self.clustered = False  # whether a text may be a tuple
        self.wrapped = False  # whether the next row continues this one

    def owned(self) -> Row:
        """A copy of a shared row that is its own."""
        row = Row(self.fill)
        if self.runs:
            row.runs = self.runs.copy()  # of plain text: only such rows are shared
            row.length = sum(map(len, self.runs[0::2]))
        return row

    def use_cells(self, columns: int) -> None:
        """Take the form of cells."""
        if self.length == CELLS:
            return
        if self.rest is not None:
            self.settle()
        texts: List[str] = []
        pens: List[Pen] = []
        runs = self.runs
        for index in range(0, len(runs), 2):
            text = runs[index]
            texts += text
            pens += [runs[index + 1]] * len(text)
        rest = columns - len(texts)
        texts += " " * rest
        pens += [self.fill] * rest
        self.texts = texts
        self.pens = pens
        self.length = CELLS
        self.runs = []

    def write(self, column: int, text: Union[str, Tuple[str, ...]], pen: Pen, columns: int) -> None:
        """Put `text`, one item a column, at `column`; it must fit."""
        self.stamp = 0
        length = self.length
        if self.rest is not None and length != column:
            self.settle()
            length = self.length
        if length < 0 or (length > column and (self.wide or self.clustered or len(self.runs) > PATCHED_LIMIT)):
            self.use_cells(columns)
            end = column + len(text)
            if self.wide:
                self.part(column)
                self.part(end)
            self.texts[column:end] = text
            self.pens[column:end] = [pen] * len(text)
        elif length > column:
            self._write_over(column, text, pen)
        else:
            if length < column:
                if pen is self.fill and isinstance(text, str):
                    text = " " * (column - length) + text
                    column = length
                else:
                    self.runs += (" " * (column - length), self.fill)
            self.runs += (text, pen)
            self.length = column + len(text)

    def _write_over(self, column: int, text: Any, pen: Pen) -> None:
        """Put `text` over runs of narrow text, the first of them before `length`."""
        runs = self.runs
        stop = first = 0
        for first in range(0, len(runs), 2):
            stop += len(runs[first])
            if stop > column:
                break
        part = runs[first]
        start = stop - len(part)
        end = column + len(text)
        if start == column and end == stop:
            runs[first] = text
            runs[first + 1] = pen
        elif end < stop and runs[first + 1] is pen:
            runs[first] = part[: column - start] + text + part[end - stop :]
        else:
            self.rest = runs
            self.runs = runs[:first]
            if start < column:
                self.runs += (part[: column - start], runs[first + 1])
            self.runs += (text, pen)
            self.length = end

    def settle(self) -> None:
        """Put what is left of `rest` behind `length`."""
        rest, self.rest = self.rest, None
        if rest is None:
            return
        length = self.length
        stop = 0
        for index in range(0, len(rest), 2):
            stop += len(rest[index])
            if stop > length:
                self.runs += (rest[index][length - stop :], rest[index + 1])
                self.runs += rest[index + 2 :]
                self.length = sum(map(len, rest[0::2]))
                break

    def part(self, column: int) -> None:
        """Blank a wide character that lies on both sides of `column`, in the form of cells."""
        if 0 < column < len(self.texts) and self.texts[column] == WIDE_PAD:
            self.texts[column - 1] = self.texts[column] = " "

    def clear(self, fill: Pen) -> None:
        """Blank the whole row."""
        self.runs = []
        self.rest = None
        self.length = 0
        self.fill = fill
        self.stamp = 0
        self.wide = self.clustered = self.wrapped = False

    def erase(self, start: int, end: int, fill: Pen, columns: int) -> None:
        """Blank the columns from `start` up to `end`."""
        if self.rest is not None:
            if end >= columns and start <= self.length:
                self.rest = None
                self.stamp = 0
            else:
                self.settle()
        if end >= columns:
            self.wrapped = False
            if start <= 0:
                self.clear(fill)
                return
            if self.length >= 0:
                self._cut(start, fill)
                return
        elif self.length >= 0 and start >= self.length and fill == self.fill:
            return
        self.stamp = 0
        self.use_cells(columns)
        if self.wide:
            self.part(start)
            self.part(end)
        self.texts[start:end] = [" "] * (end - start)
        self.pens[start:end] = [fill] * (end - start)

    def _cut(self, start: int, fill: Pen) -> None:
        """Blank everything from `start` on, in the form of runs."""
        runs = self.runs
        length = self.length
        if start >= length:
            if fill == self.fill:
                return
            if start > length:
                runs += (" " * (start - length), self.fill)
        while length > start:
            length -= len(runs[-2])
            if length < start:
                text = runs[-2]
                keeps = start - length
                if text[keeps] == WIDE_PAD:
                    text = (*text[: keeps - 1], " ")
                    self.clustered = True
                runs[-2] = text[:keeps]
                break
            del runs[-2:]
        self.length = start
        self.fill = fill
        self.stamp = 0

    def insert(self, column: int, count: int, right: int, fill: Pen, columns: int) -> None:
        """Insert `count` blanks at `column`; what passes `right` (inclusive) is lost (ICH)."""
        self.settle()
        if 0 <= self.length <= column and fill == self.fill:
            return
        self.stamp = 0
        self.use_cells(columns)
        stop = right + 1
        count = min(count, stop - column)
        if self.wide:
            self.part(column)
            self.part(stop)
            self.part(stop - count)
        self.texts[column:stop] = [" "] * count + self.texts[column : stop - count]
        self.pens[column:stop] = [fill] * count + self.pens[column : stop - count]

    def delete(self, column: int, count: int, right: int, fill: Pen, columns: int) -> None:
        """Delete `count` columns at `column`; blanks come in at `right` (inclusive) (DCH)."""
        self.settle()
        if 0 <= self.length <= column and fill == self.fill:
            return
        self.stamp = 0
        self.use_cells(columns)
        stop = right + 1
        count = min(count, stop - column)
        if self.wide:
            self.part(column)
            self.part(column + count)
            self.part(stop)
        self.texts[column:stop] = self.texts[column + count : stop] + [" "] * count
        self.pens[column:stop] = self.pens[column + count : stop] + [fill] * count

    def text(self) -> str:
        """The characters, wide ones once, trailing blanks stripped."""
        self.settle()
        if self.length == CELLS:
            text = "".join(self.texts)
        elif self.clustered:
            text = "".join(["".join(part) for part in self.runs[0::2]])
        else:
            text = "".join(self.runs[0::2])
        return text.replace(WIDE_PAD, "").rstrip(" ")

    def packed(self, columns: int) -> PackedRow:
        """The row without cells."""
        self.settle()
        if self.length == CELLS:
            return self._packed_cells()
        runs = self.runs
        if self.fill is not DEFAULT_PEN and self.fill != DEFAULT_PEN:
            rest = columns - sum(map(len, runs[0::2]))
            if rest:
                runs = [*runs, " " * rest, self.fill]
        if not self.wrapped and runs and runs[-2][-1] == " " and runs[-1] == DEFAULT_PEN:
            runs = without_end_blanks(runs)
        if len(runs) == 2 and not self.clustered:
            text, pen = runs
            return PackedRow(text, (pen, len(text)), self.wrapped)
        packed = _pens_and_lengths(runs)
        if not self.clustered:
            return PackedRow("".join(runs[0::2]), tuple(packed), self.wrapped)
        cells: List[str] = []
        for part in runs[0::2]:
            cells += part
        return PackedRow(tuple(cells), tuple(packed), self.wrapped)

    def ends_at(self, column: int) -> bool:
        """Whether nothing stands from `column` on, in the form of runs."""
        return 0 <= self.length <= column and self.rest is None

    def last_cell(self) -> str:
        """The text of the last cell written, in the form of runs."""
        text: str = self.runs[-2][-1]
        return self.runs[-2][-2] if text == WIDE_PAD else text

    def replace_last(self, cluster: str, widens: bool) -> None:
        """Change the text of the last cell written, in the form of runs, and give it a second column if it `widens`."""
        text, pen = self.runs[-2:]
        count = 2 if text[-1] == WIDE_PAD else 1
        if len(text) == count:
            del self.runs[-2:]
        else:
            self.runs[-2] = text[:-count]
        self.runs += ((cluster, WIDE_PAD) if count == 2 or widens else (cluster,), pen)
        self.length += widens
        self.wide = self.wide or widens
        self.clustered = True
        self.stamp = 0

    def _packed_cells(self) -> PackedRow:
        texts = self.texts
        packed: List[Any] = []
        for pen, group in groupby(self.pens):
            packed += (pen, len(list(group)))
        if not self.wrapped and texts[-1] == " ":
            texts = texts.copy()
            trim_blanks(texts, packed)
        return PackedRow(join_cells(texts), tuple(packed), self.wrapped)


def unpacked(packed: PackedRow, columns: int) -> Row:
    """A row of the packed one, which must fit."""
    text, runs, wrapped = packed
    row = Row(DEFAULT_PEN)
    row.wrapped = wrapped
    row.wide = WIDE_PAD in text
    if isinstance(text, str):
        start = 0
        for index in range(0, len(runs), 2):
            count = runs[index + 1]
            row.runs += (text[start : start + count], runs[index])
            start += count
        row.length = start
        return row
    row.texts = [*text, *" " * (columns - len(text))]
    row.pens = [pen for pen, count in pairs(runs) for _ in range(count)]
    row.pens += [DEFAULT_PEN] * (columns - len(row.pens))
    row.length = CELLS
    return row


def _pens_and_lengths(runs: List[Any]) -> List[Any]:
    """A row's runs as pen and columns in turn, neighbours of one pen together."""
    pens = runs[1::2]
    packed = runs.copy()
    packed[0::2] = pens
    packed[1::2] = map(len, runs[0::2])
    if not any(map(eq, pens, pens[1:])):
        return packed
    joined: List[Any] = []
    for pen, columns in pairs(packed):
        if joined and joined[-2] == pen:
            joined[-1] += columns
        else:
            joined += (pen, columns)
    return joined


def without_end_blanks(runs: List[Any]) -> List[Any]:
    """A copy of a row's runs without the blanks under the default pen at its end."""
    runs = runs.copy()
    while runs and runs[-1] == DEFAULT_PEN:
        text = runs[-2]
        end = len(text)
        while end and text[end - 1] == " ":
            end -= 1
        if end:
            runs[-2] = text[:end]
            break
        del runs[-2:]
    return runs


def pairs(runs: Sequence[Any]) -> List[Tuple[Pen, int]]:
    """Flat runs as pairs."""
    return list(zip(runs[0::2], runs[1::2]))


def shared_row(runs: List[Any], fill: Pen) -> Row:
    """A row that may stand in many places."""
    row = Row(fill)
    row.runs = runs
    row.length = SHARED
    return row
