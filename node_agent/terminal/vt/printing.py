"""Graphic characters: where they land, how they wrap, and what joins the cell before them."""

from __future__ import annotations

from typing import Tuple

from node_agent.terminal.packed import WIDE_PAD
from node_agent.terminal.tokenizer import decode_text
from node_agent.terminal.vt.row import Row
from node_agent.terminal.vt.terminal import Terminal
from node_agent.terminal.vt.widths import (
    CLUSTER_LIMIT,
    MARKS_LIMIT,
    RUNS,
    ZWJ,
    character_width,
    cluster_width,
    joins,
)


def print_text(terminal: Terminal, raw: str) -> None:
    """Print a TEXT token."""
    text = decode_text(raw)
    if terminal.single_shift is not None:
        first = text[0].translate(terminal.single_shift)
        terminal.single_shift = None
        terminal.note_printing_state()
        _print_any(terminal, first)
        text = text[1:]
    if terminal.translation is not None:
        text = text.translate(terminal.translation)
    if text.isascii():
        if text:
            terminal.last = text
            put(terminal, text)
        return
    _print_any(terminal, text)


def _print_any(terminal: Terminal, text: str) -> None:
    for found in RUNS.finditer(text):
        kind = found.lastindex
        run = found.group()
        if kind == 1:
            terminal.last = run
            put(terminal, run)
        elif kind == 2:
            terminal.last = run
            put_wide(terminal, WIDE_PAD.join(run) + WIDE_PAD)
        else:
            print_character(terminal, run)


def print_character(terminal: Terminal, character: str) -> None:
    """Print one character of any width."""
    width = character_width(character)
    if width < 0:
        return
    if width == 0:
        _join(terminal, character)
        return
    if character >= "\xa9" and joins_last(terminal, character):
        _join(terminal, character)
        return
    terminal.last = character
    if width == 1:
        put(terminal, character)
    else:
        put_wide(terminal, character + WIDE_PAD)


def joins_last(terminal: Terminal, character: str) -> bool:
    """Whether the character joins the cell before the cursor."""
    last = terminal.last
    if not last or (last[-1] != ZWJ and not "\U0001f1e6" <= character <= "\U0001f3ff"):
        return False
    row, column = previous_cell(terminal)
    return column >= 0 and joins(row.texts[column], character)


def previous_cell(terminal: Terminal) -> Tuple[Row, int]:
    """The row of the cursor in the form of cells, and the column of the cell before it, -1 for none."""
    row = terminal.own(terminal.y)
    row.use_cells(terminal.columns)
    column = terminal.x if terminal.pending else terminal.x - 1
    if column > 0 and row.texts[column] == WIDE_PAD:
        column -= 1
    return row, column


def _join(terminal: Terminal, character: str) -> None:
    """Add a character to the cell before the cursor; dropped where there is none, or the cell is full."""
    row, column = previous_cell(terminal)
    if column < 0:
        return
    cluster = row.texts[column] + character
    if len(cluster) > (CLUSTER_LIMIT if ZWJ in cluster else MARKS_LIMIT):
        return
    row.texts[column] = cluster
    row.stamp = 0
    terminal.last = cluster
    is_narrow = column + 1 >= terminal.columns or row.texts[column + 1] != WIDE_PAD
    if is_narrow and terminal.x == column + 1 and cluster_width(cluster) == 2:
        _widen(terminal, row, column)


def _widen(terminal: Terminal, row: Row, column: int) -> None:
    """Give the cell before the cursor its second column."""
    if column + 1 >= print_limit(terminal):
        return
    row.part(column + 2)
    row.texts[column + 1] = WIDE_PAD
    row.pens[column + 1] = row.pens[column]
    row.wide = True
    _advance(terminal, column + 2)


def print_limit(terminal: Terminal) -> int:
    """The column before which printing stops: after the right margin, or the edge when beyond it."""
    if terminal.left_right and terminal.x <= terminal.right:
        return terminal.right + 1
    return terminal.columns


def _advance(terminal: Terminal, x: int) -> None:
    if x >= print_limit(terminal):
        terminal.x = x - 1
        terminal.pending = True
    else:
        terminal.x = x


def put(terminal: Terminal, text: str) -> None:
    """Print characters of one column each."""
    columns = terminal.columns
    start = 0
    size = len(text)
    while start < size:
        if terminal.pending:
            wrap(terminal)
        limit = print_limit(terminal)
        x = terminal.x
        room = limit - x
        if size - start <= room:
            part = text[start:] if start else text
        elif terminal.autowrap:
            part = text[start : start + room]
        else:  # what does not fit is printed over itself in the last column
            part = text[start : start + room - 1] + text[-1]
            start = size - len(part)
        count = len(part)
        row = terminal.own(terminal.y)
        pen = terminal.brush.pen
        if terminal.insert:
            row.insert(x, count, limit - 1, terminal.brush.fill, columns)
        row.write(x, part, pen, columns)
        start += count
        x += count
        if x >= limit:
            terminal.x = limit - 1
            terminal.pending = terminal.autowrap
        else:
            terminal.x = x


def put_wide(terminal: Terminal, text: str) -> None:
    """Print characters of two columns each, `WIDE_PAD` after every one."""
    columns = terminal.columns
    start = 0
    size = len(text)
    while start < size:
        if terminal.pending:
            wrap(terminal)
        limit = print_limit(terminal)
        room = (limit - terminal.x) // 2 * 2
        if not room:
            if limit - (terminal.left if terminal.left_right else 0) < 2:
                return  # no row has two columns
            if terminal.autowrap:
                wrap(terminal)
                continue
            terminal.x = limit - 2
            room = 2
        part = text[start : start + room]
        if len(part) < size - start and not terminal.autowrap:
            part = text[start : start + room - 2] + text[-2:]
            start = size - len(part)
        row = terminal.own(terminal.y)
        row.wide = True
        if terminal.insert:
            row.insert(terminal.x, len(part), limit - 1, terminal.brush.fill, columns)
            row.wide = True
        row.write(terminal.x, part, terminal.brush.pen, columns)
        start += len(part)
        x = terminal.x + len(part)
        if x >= limit:
            terminal.x = limit - 1
            terminal.pending = terminal.autowrap
        else:
            terminal.x = x


def wrap(terminal: Terminal) -> None:
    """Go on in the next row because the text did not fit."""
    row = terminal.own(terminal.y)
    if not terminal.is_narrowed:
        row.wrapped = True
    terminal.index()
    terminal.x = terminal.left if terminal.left_right else 0


def repeat(terminal: Terminal, count: int) -> None:
    """Print the last character again, at most to the end of the row (REP, ECMA-48 8.3.103)."""
    cluster = last_cluster(terminal)
    if not cluster or terminal.pending:
        return
    width = cluster_width(cluster)
    count = min(count, (print_limit(terminal) - terminal.x) // width)
    if len(cluster) > 1:
        for _ in range(count):
            for character in cluster:
                print_character(terminal, character)
    elif width == 1:
        put(terminal, cluster * count)
    else:
        put_wide(terminal, (cluster + WIDE_PAD) * count)
    terminal.last = cluster


def last_cluster(terminal: Terminal) -> str:
    """The last character printed with what joined it, "" when there was none."""
    last = terminal.last
    return last if ZWJ in last or character_width(last[-1:] or " ") == 0 else last[-1:]
