"""Erasing, inserting and deleting (ECMA-48 8.3, VT510 manual): every blank takes the background in force (BCE).

As in xterm, a wrap that is due ends with every erasure, which counts the cursor as in the last column: EL after a
character there erases it.
"""

from __future__ import annotations

from node_agent.terminal.engine import DEFAULT_PEN, Flag
from node_agent.terminal.vt.row import SHARED, shared_row
from node_agent.terminal.vt.terminal import Terminal

PROTECTED = int(Flag.PROTECTED)


def erase_in_line(terminal: Terminal, which: int) -> None:
    """EL: 0 to the end, 1 to the cursor, 2 the whole row."""
    if which > 2:
        return
    terminal.pending = False
    start = terminal.x if which == 0 else 0
    end = terminal.x + 1 if which == 1 else terminal.columns
    _erase(terminal, terminal.y, start, end)


def erase_to_end(terminal: Terminal, _: object) -> None:
    """EL 0, which often finds nothing to erase."""
    terminal.pending = False
    row = terminal.grid[terminal.y]
    fill = terminal.brush.fill
    if row.fill is fill and (row.ends_at(terminal.x) or (row.length == SHARED and not row.runs)):
        row.wrapped = False
    else:
        _erase(terminal, terminal.y, terminal.x, terminal.columns)


def _erase(terminal: Terminal, y: int, start: int, end: int) -> None:
    row = terminal.grid[y]
    fill = terminal.brush.fill
    if row.length == SHARED:
        if not row.runs and row.fill == fill:
            return
        row = terminal.own(y)
    row.erase(start, end, fill, terminal.columns)


def erase_in_display(terminal: Terminal, which: int) -> None:
    """ED: 0 to the end, 1 to the cursor, 2 the screen, 3 the history."""
    y = terminal.y
    grid = terminal.grid
    if which == 0:
        erase_in_line(terminal, 0)
        grid[y + 1 :] = [terminal.blank_row()] * (terminal.rows - y - 1)
    elif which == 1:
        grid[:y] = [terminal.blank_row()] * y
        erase_in_line(terminal, 1)
    elif which == 2:
        terminal.pending = False
        terminal.clear_grid()
    elif which == 3:
        terminal.history.clear()


def erase_unprotected_in_line(terminal: Terminal, which: int) -> None:
    """DECSEL: as EL, but protected characters stay, and so do the pens of what goes."""
    if which > 2:
        return
    terminal.pending = False
    start = terminal.x if which == 0 else 0
    end = terminal.x + 1 if which == 1 else terminal.columns
    _erase_unprotected(terminal, terminal.y, start, end)


def erase_unprotected_in_display(terminal: Terminal, which: int) -> None:
    """DECSED: as ED, but protected characters stay."""
    if which > 2:
        return
    terminal.pending = False
    if which < 2:
        erase_unprotected_in_line(terminal, which)
    first = terminal.y + 1 if which == 0 else 0
    stop = terminal.y if which == 1 else terminal.rows
    for y in range(first, stop):
        _erase_unprotected(terminal, y, 0, terminal.columns)


def _erase_unprotected(terminal: Terminal, y: int, start: int, end: int) -> None:
    row = terminal.own(y)
    row.use_cells(terminal.columns)
    if row.wide:
        row.part(start)
        row.part(end)
    row.stamp = 0
    texts = row.texts
    pens = row.pens
    for x in range(start, end):
        if not pens[x].flags & PROTECTED:
            texts[x] = " "


def erase_characters(terminal: Terminal, count: int) -> None:
    """ECH: `count` columns from the cursor, whatever the margins."""
    terminal.pending = False
    _erase(terminal, terminal.y, terminal.x, min(terminal.x + count, terminal.columns))


def insert_characters(terminal: Terminal, count: int) -> None:
    """ICH: nothing outside the left and right margins."""
    terminal.pending = False
    if terminal.left <= terminal.x <= terminal.right:
        row = terminal.own(terminal.y)
        row.insert(terminal.x, count, terminal.right, terminal.brush.fill, terminal.columns)


def delete_characters(terminal: Terminal, count: int) -> None:
    """DCH: nothing outside the left and right margins."""
    terminal.pending = False
    if terminal.left <= terminal.x <= terminal.right:
        row = terminal.own(terminal.y)
        row.delete(terminal.x, count, terminal.right, terminal.brush.fill, terminal.columns)


def insert_lines(terminal: Terminal, count: int) -> None:
    """IL: nothing outside the margins."""
    if _is_inside(terminal):
        terminal.pending = False
        terminal.insert_rows(terminal.y, count)


def delete_lines(terminal: Terminal, count: int) -> None:
    """DL: nothing outside the margins; the rows do not go to history."""
    if _is_inside(terminal):
        terminal.pending = False
        terminal.delete_rows(terminal.y, count)


def insert_columns(terminal: Terminal, count: int) -> None:
    """DECIC: in every row of the region."""
    _insert_columns(terminal, terminal.x, count)


def delete_columns(terminal: Terminal, count: int) -> None:
    """DECDC: in every row of the region."""
    _delete_columns(terminal, terminal.x, count)


def scroll_left(terminal: Terminal, count: int) -> None:
    """SL (ECMA-48 8.3.121): the whole region, as xterm only where the cursor is inside."""
    _delete_columns(terminal, terminal.left, count)


def scroll_right(terminal: Terminal, count: int) -> None:
    """SR (ECMA-48 8.3.135): as SL."""
    _insert_columns(terminal, terminal.left, count)


def back_index(terminal: Terminal, _: object) -> None:
    """DECBI: one column back; at the left margin the region goes right instead."""
    terminal.pending = False
    if terminal.x == terminal.left:
        scroll_right(terminal, 1)
    else:
        terminal.x = max(0, terminal.x - 1)


def forward_index(terminal: Terminal, _: object) -> None:
    """DECFI: one column on; at the right margin the region goes left instead."""
    terminal.pending = False
    if terminal.x == terminal.right:
        scroll_left(terminal, 1)
    else:
        terminal.x = min(terminal.columns - 1, terminal.x + 1)


def _insert_columns(terminal: Terminal, x: int, count: int) -> None:
    if _is_inside(terminal):
        for y in range(terminal.top, terminal.bottom + 1):
            terminal.own(y).insert(x, count, terminal.right, terminal.brush.fill, terminal.columns)


def _delete_columns(terminal: Terminal, x: int, count: int) -> None:
    if _is_inside(terminal):
        for y in range(terminal.top, terminal.bottom + 1):
            terminal.own(y).delete(x, count, terminal.right, terminal.brush.fill, terminal.columns)


def _is_inside(terminal: Terminal) -> bool:
    return terminal.top <= terminal.y <= terminal.bottom and terminal.left <= terminal.x <= terminal.right


def scroll_up(terminal: Terminal, count: int) -> None:
    """SU."""
    terminal.pending = False
    terminal.scroll_up(count)


def scroll_down(terminal: Terminal, count: int) -> None:
    """SD."""
    terminal.pending = False
    terminal.scroll_down(count)


def fill_with_e(terminal: Terminal, _: object) -> None:
    """DECALN: the screen full of E, margins at the edges, cursor home."""
    terminal.reset_margins()
    terminal.x = terminal.y = 0
    terminal.pending = False
    row = shared_row(["E" * terminal.columns, DEFAULT_PEN], DEFAULT_PEN)
    terminal.grid[:] = [row] * terminal.rows


def protect(terminal: Terminal, which: int) -> None:
    """DECSCA: 1 protects what is printed from selective erase, 0 and 2 do not."""
    pen = terminal.brush.pen
    if which in (0, 1, 2):
        flags = pen.flags | PROTECTED if which == 1 else pen.flags & ~PROTECTED
        terminal.set_pen(pen._replace(flags=flags))
