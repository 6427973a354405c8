"""Changing the size: wrapped lines of the main screen and its history flow into the new width.

The rows of a line that wrapped are joined and cut anew; positions on them (the cursor, the saved cursor) go with their
character. When rows go, blank ones below the text go first, then the top ones go to history; when rows come and the
screen was full, history comes back. The alternate screen is cropped: its program draws it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from node_agent.terminal.engine import DEFAULT_PEN, Pen
from node_agent.terminal.packed import BLANK_ROW, WIDE_PAD, PackedRow
from node_agent.terminal.vt.row import Row, unpacked
from node_agent.terminal.vt.terminal import Screen, Terminal


class Place(NamedTuple):
    """A position on the rows: `column` may equal the width, which is a pending wrap."""

    row: int
    column: int


def resize(terminal: Terminal, columns: int, rows: int) -> None:
    """Bring `terminal` to the new size, both at least 1 and one of them changed."""
    cursor = Place(terminal.y, terminal.x + terminal.pending)
    on_main = terminal.screen is terminal.main
    old_columns = terminal.columns
    tabs = terminal.tabs
    saved = terminal.main.saved
    saved_place = Place(saved.row, saved.column + saved.pending_wrap) if saved else Place(0, 0)
    places = [cursor if on_main else saved_place, saved_place]
    main_rows, places = _flow(terminal, columns, rows, places)
    alternate_rows, alternate_place = _crop(terminal.alternate, cursor, old_columns, columns, rows)
    terminal.columns, terminal.rows = columns, rows
    terminal.forget_blanks()
    terminal.reset_margins()
    terminal.tabs = [tab for tab in tabs if tab < columns]
    terminal.tabs += range(-(-old_columns // 8) * 8, columns, 8)
    blank = terminal.blank_row() if terminal.brush.fill is DEFAULT_PEN else None
    terminal.main.rows[:] = [*main_rows, *(blank or Row(DEFAULT_PEN) for _ in range(rows - len(main_rows)))]
    terminal.alternate.rows[:] = alternate_rows
    _set_cursor(terminal, places[0] if on_main else alternate_place)
    if saved:
        y, x, pending = _clamped(places[1], columns, rows)
        terminal.main.saved = replace(saved, row=y, column=x, pending_wrap=pending)
    other = terminal.alternate.saved
    if other:
        y, x, pending = _clamped(Place(other.row, other.column), columns, rows)
        terminal.alternate.saved = replace(other, row=y, column=x, pending_wrap=pending)


def _set_cursor(terminal: Terminal, place: Place) -> None:
    terminal.y, terminal.x, terminal.pending = _clamped(place, terminal.columns, terminal.rows)
    terminal.pending = terminal.pending and terminal.autowrap


def _clamped(place: Place, columns: int, rows: int) -> Tuple[int, int, bool]:
    row = min(max(place.row, 0), rows - 1)
    return (row, columns - 1, True) if place.column == columns else (row, min(place.column, columns - 1), False)


def _flow(terminal: Terminal, columns: int, rows: int, places: List[Place]) -> Tuple[List[Row], List[Place]]:
    """The main screen's rows for the new size, the rest being in history, and where the places went."""
    history = terminal.history
    on_screen = [row.packed(terminal.columns) for row in terminal.main.rows]
    used = places[0].row + 1
    for y in range(len(on_screen) - 1, used - 1, -1):
        if on_screen[y].text:
            used = y + 1
            break
    above = len(history)
    flow = history.all_packed() + on_screen[:used]
    marks = [Place(above + place.row, place.column) for place in (*places, Place(0, 0))]
    if columns != terminal.columns:
        flow, marks = _rewrap(flow, terminal.columns, columns, marks)
    start = marks[-1].row
    if used == terminal.rows and rows > terminal.rows:
        start = max(0, start - (rows - terminal.rows))
    start = max(start, len(flow) - rows)
    history.replace(flow[:start])
    shown = [unpacked(row, columns) for row in flow[start : start + rows]]
    return shown, [Place(mark.row - start, mark.column) for mark in marks[:-1]]


def _rewrap(
    rows: List[PackedRow], old_columns: int, columns: int, marks: List[Place]
) -> Tuple[List[PackedRow], List[Place]]:
    """Join the rows of each line and cut it to the new width; `marks` go with their characters."""
    result: List[PackedRow] = []
    moved: Dict[int, Place] = {}
    first = 0
    while first < len(rows):
        last = first
        while rows[last].wrapped and last + 1 < len(rows):
            last += 1
        begins: List[int] = []  # where each row begins in the line
        line, fill = _join(rows[first : last + 1], old_columns, begins)
        starts = _starts(line, columns)
        for index, mark in enumerate(marks):
            if first <= mark.row <= last:
                moved[index] = _moved(begins[mark.row - first] + mark.column, starts, len(line.text), len(result))
        result += _cut(line, starts, fill, columns)
        first = last + 1
    return result, [moved.get(index, Place(len(result), 0)) for index in range(len(marks))]


def _join(rows: List[PackedRow], columns: int, begins: List[int]) -> Tuple[PackedRow, Optional[Pen]]:
    """One line of the rows, and the pen of the background that filled its last one, which is not text."""
    text: Any = ()
    runs: List[Any] = []
    for index, row in enumerate(rows):
        begins.append(sum(runs[1::2]))
        part = row.text
        part_runs: Any = row.runs
        following = rows[index + 1].text if index + 1 < len(rows) else ""
        if following[1:2] in (WIDE_PAD, (WIDE_PAD,)) and len(part) == columns and part[-1] == " ":
            part, part_runs = part[:-1], _slice_runs(row.runs, 0, columns - 1)  # left over before a wide character
        if not text or isinstance(text, str) == isinstance(part, str):
            text = text + part if text else part
        else:
            text = (*text, *part)
        runs += part_runs
    fill = None
    if len(rows[-1].text) == columns and runs and runs[-2] == Pen(background=runs[-2].background):
        fill = runs[-2]
        blanks = _trailing_blanks(text, runs[-1])
        text = text[: len(text) - blanks]
        runs[-1] -= blanks
        if not runs[-1]:
            del runs[-2:]
    return PackedRow(text or "", tuple(runs), rows[-1].wrapped), fill


def _trailing_blanks(text: Any, most: int) -> int:
    count = 0
    while count < most and text[-1 - count] == " ":
        count += 1
    return count


def _starts(line: PackedRow, columns: int) -> List[int]:
    """Where the rows of the line begin under the new width; no wide character is cut."""
    starts = [0]
    text = line.text
    while len(text) - starts[-1] > columns:
        cut = starts[-1] + columns
        if text[cut] == WIDE_PAD and columns > 1:
            cut -= 1
        starts.append(cut)
    return starts


def _moved(offset: int, starts: List[int], length: int, above: int) -> Place:
    """Where the character at `offset` of a line is now; past its end on the line's last row."""
    row = len(starts) - 1
    while row and (offset < starts[row] or (offset == starts[row] and offset == length)):
        row -= 1
    return Place(above + row, offset - starts[row])


def _cut(line: PackedRow, starts: List[int], fill: Optional[Pen], columns: int) -> List[PackedRow]:
    rows: List[PackedRow] = []
    for index, start in enumerate(starts):
        is_last = index + 1 == len(starts)
        end = len(line.text) if is_last else starts[index + 1]
        text, runs = line.text[start:end], _slice_runs(line.runs, start, end)
        if columns == 1 and WIDE_PAD in line.text:
            text = " " * len(text)
        if is_last and fill is not None and len(text) < columns:
            blanks = columns - len(text)
            text = text + " " * blanks if isinstance(text, str) else (*text, *" " * blanks)
            runs = (*runs, fill, blanks)
        rows.append(PackedRow(text, runs, line.wrapped if is_last else True))
    return rows


def _slice_runs(runs: Tuple[Any, ...], start: int, end: int) -> Tuple[Any, ...]:
    """The runs of the columns from `start` up to `end`."""
    result: List[Any] = []
    column = 0
    for index in range(0, len(runs), 2):
        count = min(column + runs[index + 1], end) - max(column, start)
        if count > 0:
            result += (runs[index], count)
        column += runs[index + 1]
    return tuple(result)


def _crop(screen: Screen, cursor: Place, old_columns: int, columns: int, rows: int) -> Tuple[List[Row], Place]:
    """The alternate screen's rows for the new size, without flowing, and where the cursor went."""
    above = max(0, min(cursor.row, len(screen.rows) - 1) - rows + 1)
    cropped = []
    for row in screen.rows[above : above + rows]:
        packed = row.packed(old_columns)
        text, runs = packed.text, packed.runs
        if len(text) > columns:
            if text[columns] == WIDE_PAD:
                text = (*text[: columns - 1], " ")
            text, runs = text[:columns], _slice_runs(runs, 0, columns)
        cropped.append(unpacked(PackedRow(text, runs, False), columns))
    cropped += [unpacked(BLANK_ROW, columns) for _ in range(rows - len(cropped))]
    return cropped, Place(cursor.row - above, min(cursor.column, columns - 1))
