"""Graphic characters: where they land, how they wrap, and what joins the cell before them."""

from __future__ import annotations

from node_agent.terminal.engine import DEFAULT_PEN
from node_agent.terminal.packed import WIDE_PAD
from node_agent.terminal.vt import movement
from node_agent.terminal.vt.layout import Cells, Layout
from node_agent.terminal.vt.pens import BRUSHES
from node_agent.terminal.vt.row import SHARED, Row
from node_agent.terminal.vt.terminal import Terminal
from node_agent.terminal.vt.widths import (
    CLUSTER_LIMIT,
    EMOJI,
    MARKS,
    MARKS_LIMIT,
    NARROW_RUN,
    OTHER,
    RUNS,
    ZWJ,
    character_width,
    cluster_width,
    joins,
    may_join,
)


def print_text(terminal: Terminal, text: str) -> None:
    """Print characters, decoded."""
    if terminal.single_shift is not None:
        first = text[0].translate(terminal.single_shift)
        terminal.single_shift = None
        terminal.note_printing_state()
        _print_runs(terminal, first)
        text = text[1:]
        if not text:
            return
    if terminal.translation is not None:
        text = text.translate(terminal.translation)
    if text.isascii():
        terminal.last = text
        put(terminal, text)
    else:
        _print_runs(terminal, text)


def print_layout(terminal: Terminal, layout: Layout) -> None:
    """Print text whose cells are known, unless something is in the way."""
    cells = layout.cells
    if cells is None or not terminal.quick_stop or not terminal.autowrap or terminal.last[-1:] == ZWJ:
        print_text(terminal, layout.text)
        return
    stop = terminal.x + len(cells)
    if stop < terminal.columns:
        _write(terminal, cells, layout)
        terminal.x = stop
    elif terminal.columns > 1:
        _put_cells(terminal, cells, layout)
    else:
        print_text(terminal, layout.text)
        return
    terminal.last = layout.last


def _write(terminal: Terminal, cells: Cells, layout: Layout) -> None:
    row = terminal.own(terminal.y)
    if layout.is_wide:
        row.wide = True
    if layout.is_clustered:
        row.clustered = True
    row.write(terminal.x, cells, terminal.brush.pen, terminal.columns)


def _put_cells(terminal: Terminal, cells: Cells, layout: Layout) -> None:
    """Print cells over the edge, in two columns or more."""
    columns = terminal.columns
    while cells:
        if terminal.pending:
            wrap(terminal)
        room = columns - terminal.x
        part, rest = cells[:room], cells[room:]
        if rest and rest[0] == WIDE_PAD:
            if character_width(part[-1][0]) == 2:
                part, rest = cells[: room - 1], cells[room - 1 :]
            else:  # it would be wide by what joins it, for which there is no column
                rest = rest[1:]
        if not part:
            wrap(terminal)
            continue
        _write(terminal, part, layout)
        cells = rest
        terminal.x += len(part)
        if terminal.x == columns:
            terminal.x -= 1
            terminal.pending = True


def _print_runs(terminal: Terminal, text: str) -> None:
    """Print text run by run."""
    for found in RUNS.finditer(text):
        kind = found.lastindex
        run = found.group()
        if kind == MARKS:
            for mark in run:
                _join(terminal, mark)
            continue
        if kind == OTHER or (kind == EMOJI and terminal.last[-1:] == ZWJ):
            for character in run:
                print_character(terminal, character)
            continue
        terminal.last = run
        if kind == NARROW_RUN:
            put(terminal, run)
        else:
            put_wide(terminal, WIDE_PAD.join(run) + WIDE_PAD)


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
    if not last or (last[-1] != ZWJ and not may_join(character)):
        return False
    row = terminal.own(terminal.y)
    before = terminal.x + terminal.pending
    if row.length == before and before:
        return joins(row.last_cell(), character)
    column = _cell_before(terminal, row)
    return column >= 0 and joins(row.texts[column], character)


def _cell_before(terminal: Terminal, row: Row) -> int:
    """The column of the cell before the cursor, -1 for none; the row takes the form of cells."""
    row.use_cells(terminal.columns)
    column = terminal.x if terminal.pending else terminal.x - 1
    if column > 0 and row.texts[column] == WIDE_PAD:
        column -= 1
    return column


def _join(terminal: Terminal, character: str) -> None:
    """Add a character to the cell before the cursor; dropped where there is none, or the cell is full."""
    row = terminal.own(terminal.y)
    before = terminal.x + terminal.pending
    if not before:
        return
    is_last = row.length == before
    column = 0 if is_last else _cell_before(terminal, row)
    cluster = (row.last_cell() if is_last else row.texts[column]) + character
    if len(cluster) > (CLUSTER_LIMIT if ZWJ in cluster else MARKS_LIMIT):
        return
    terminal.last = cluster
    if is_last:
        is_narrow = row.runs[-2][-1] != WIDE_PAD
    else:
        is_narrow = column + 1 >= terminal.columns or row.texts[column + 1] != WIDE_PAD
    widens = is_narrow and not terminal.pending and terminal.x < print_limit(terminal) and cluster_width(cluster) == 2
    if is_last:
        row.replace_last(cluster, widens)
    else:
        row.texts[column] = cluster
        row.stamp = 0
        if widens:
            row.part(column + 2)
            row.texts[column + 1] = WIDE_PAD
            row.pens[column + 1] = row.pens[column]
            row.wide = True
    if widens:
        _advance(terminal, terminal.x + 1)


def print_limit(terminal: Terminal) -> int:
    """The column before which printing stops: after the right margin, or the edge when beyond it."""
    if terminal.left_right and terminal.x <= terminal.right:
        return terminal.right + 1
    return terminal.columns


def _advance(terminal: Terminal, x: int) -> None:
    if x >= print_limit(terminal):
        terminal.x = x - 1
        terminal.pending = terminal.autowrap
    else:
        terminal.x = x


def put(terminal: Terminal, text: str) -> None:
    """Print characters of one column each."""
    x = terminal.x
    stop = x + len(text)
    if stop < terminal.quick_stop:
        terminal.own(terminal.y).write(x, text, terminal.brush.pen, terminal.columns)
        terminal.x = stop
        return
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
        part = text[start : start + (room if terminal.autowrap else 2)]
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
    y = terminal.y
    if (y == terminal.bottom or y < terminal.rows - 1) and not terminal.is_narrowed:
        terminal.own(y).wrapped = True
    terminal.index()
    terminal.x = terminal.left if terminal.left_right else 0


def repeat(terminal: Terminal, count: int) -> None:
    """Print the last character again, at most to the end of the row (REP, ECMA-48 8.3.103)."""
    cluster = last_cluster(terminal)
    if not cluster or terminal.pending:
        return
    width = cluster_width(cluster)
    count = min(count, (print_limit(terminal) - terminal.x) // width)
    if not count:
        return
    if len(cluster) > 1 or may_join(cluster):
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
    final = last[-1:] or " "
    has_joined = ZWJ in last or may_join(final) or character_width(final) == 0
    return last if has_joined else last[-1:]


def print_tabbed(terminal: Terminal, text: str) -> None:
    """Print text with tabs in it: on a fresh row at once, with blanks for them, else piece by piece."""
    if "\t" in text:
        x = terminal.x
        row = terminal.grid[terminal.y]
        is_fresh = row.ends_at(x) or (row.length == SHARED and not row.runs)
        if is_fresh and row.fill is DEFAULT_PEN and not x % 8 and can_expand_tabs(terminal):
            expanded = text.expandtabs(8)
            if x + len(expanded) < terminal.quick_stop:
                put(terminal, expanded)
                terminal.last = text.rstrip("\t") or terminal.last
                return
    for index, part in enumerate(text.split("\t")):
        if index:
            movement.tab(terminal, 1)
        if part:
            print_text(terminal, part)


def can_expand_tabs(terminal: Terminal) -> bool:
    """Whether blanks are printed as columns that were passed over look, and tab stops are regular."""
    return terminal.brush is BRUSHES.default and terminal.has_regular_tabs
