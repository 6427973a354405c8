"""Cursor movement and tabs (ECMA-48 8.3, VT510 manual, xterm ctlseqs).

Every function takes the terminal and one argument, the sequence's parameter as `sequences` compiled it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Tuple

from node_agent.terminal.vt.terminal import Terminal

REVERSE_WRAP = 45


def up(terminal: Terminal, count: int) -> None:
    """CUU: stops at the top margin when it starts inside."""
    stop = terminal.top if terminal.y >= terminal.top else 0
    terminal.y = max(stop, terminal.y - count)
    terminal.pending = False


def down(terminal: Terminal, count: int) -> None:
    """CUD: stops at the bottom margin when it starts inside."""
    stop = terminal.bottom if terminal.y <= terminal.bottom else terminal.rows - 1
    terminal.y = min(stop, terminal.y + count)
    terminal.pending = False


def forward(terminal: Terminal, count: int) -> None:
    """CUF: stops at the right margin when it starts inside."""
    stop = terminal.right if terminal.x <= terminal.right else terminal.columns - 1
    terminal.x = min(stop, terminal.x + count)
    terminal.pending = False


def back(terminal: Terminal, count: int) -> None:
    """CUB: stops at the left margin when it starts inside; wraps back under mode ?45."""
    terminal.pending = False
    stop = terminal.left if terminal.x >= terminal.left else 0
    if REVERSE_WRAP in terminal.modes and terminal.autowrap:
        _back_over_rows(terminal, count, stop)
    else:
        terminal.x = max(stop, terminal.x - count)


def _back_over_rows(terminal: Terminal, count: int, stop: int) -> None:
    while count > terminal.x - stop and terminal.y > terminal.top and terminal.grid[terminal.y - 1].wrapped:
        count -= terminal.x - stop + 1
        terminal.x = terminal.right
        terminal.y -= 1
    terminal.x = max(stop, terminal.x - count)


def next_line(terminal: Terminal, count: int) -> None:
    """CNL."""
    down(terminal, count)
    carriage_return(terminal, 0)


def previous_line(terminal: Terminal, count: int) -> None:
    """CPL."""
    up(terminal, count)
    carriage_return(terminal, 0)


def carriage_return(terminal: Terminal, _: object) -> None:
    """CR: to the left margin, or to the edge from beyond it."""
    terminal.x = terminal.left if terminal.x >= terminal.left or terminal.origin else 0
    terminal.pending = False


def start_next_line(terminal: Terminal, _: object) -> None:
    """CR LF, NEL."""
    y = terminal.y
    if y < terminal.bottom and not terminal.left_right:
        terminal.y = y + 1
        terminal.x = 0
        terminal.pending = False
    else:
        terminal.index()
        carriage_return(terminal, None)


def backspace(terminal: Terminal, _: object) -> None:
    """BS."""
    back(terminal, 1)


def to_column(terminal: Terminal, column: int) -> None:
    """CHA, HPA: a column from 0."""
    position(terminal, (terminal.y - terminal.top if terminal.origin else terminal.y, column))


def to_row(terminal: Terminal, row: int) -> None:
    """VPA: a row from 0."""
    position(terminal, (row, terminal.x - terminal.left if terminal.origin else terminal.x))


def position(terminal: Terminal, place: Tuple[int, int]) -> None:
    """CUP, HVP: row and column from 0, counted from and confined to the margins in origin mode."""
    y, x = place
    if terminal.origin:
        y = min(y + terminal.top, terminal.bottom)
        x = min(x + terminal.left, terminal.right)
    rows = terminal.rows
    columns = terminal.columns
    terminal.y = y if y < rows else rows - 1
    terminal.x = x if x < columns else columns - 1
    terminal.pending = False


def row_forward(terminal: Terminal, count: int) -> None:
    """VPR."""
    position(terminal, (terminal.y - (terminal.top if terminal.origin else 0) + count, _relative_x(terminal)))


def row_back(terminal: Terminal, count: int) -> None:
    """VPB."""
    y = terminal.y - (terminal.top if terminal.origin else 0)
    position(terminal, (max(0, y - count), _relative_x(terminal)))


def column_forward(terminal: Terminal, count: int) -> None:
    """HPR."""
    y = terminal.y - (terminal.top if terminal.origin else 0)
    position(terminal, (y, _relative_x(terminal) + count))


def _relative_x(terminal: Terminal) -> int:
    return terminal.x - terminal.left if terminal.origin else terminal.x


def tab(terminal: Terminal, count: int) -> None:
    """HT, CHT: at most to the right margin; a pending wrap at the edge stays."""
    edge = terminal.right if terminal.x <= terminal.right else terminal.columns - 1
    tabs = terminal.tabs
    following = bisect_right(tabs, terminal.x) + count - 1
    x = min(tabs[following], edge) if following < len(tabs) else edge
    if x != terminal.x:
        terminal.x = x
        terminal.pending = False


def back_tab(terminal: Terminal, count: int) -> None:
    """CBT."""
    previous = bisect_left(terminal.tabs, terminal.x) - count
    terminal.x = terminal.tabs[previous] if previous >= 0 else 0
    if terminal.origin:
        terminal.x = max(terminal.x, terminal.left)
    terminal.pending = False


def set_tab(terminal: Terminal, _: object) -> None:
    """HTS."""
    terminal.has_regular_tabs = False
    at = bisect_left(terminal.tabs, terminal.x)
    if at == len(terminal.tabs) or terminal.tabs[at] != terminal.x:
        terminal.tabs.insert(at, terminal.x)


def clear_tabs(terminal: Terminal, which: int) -> None:
    """TBC: the stop at the cursor, or all."""
    terminal.has_regular_tabs = False
    if which == 3:
        terminal.tabs = []
    elif which == 0 and terminal.x in terminal.tabs:
        terminal.tabs.remove(terminal.x)


def regular_tabs(terminal: Terminal, which: int) -> None:
    """DECST8C: a stop every eight columns."""
    if which == 5:
        terminal.reset_tabs()


def set_top_bottom(terminal: Terminal, margins: Tuple[int, int]) -> None:
    """DECSTBM: inclusive rows from 0, -1 for the last; a region of under two rows is refused."""
    top, bottom = margins
    bottom = terminal.rows - 1 if bottom < 0 else min(bottom, terminal.rows - 1)
    if top < bottom:
        terminal.top = top
        terminal.bottom = bottom
        position(terminal, (0, 0))


def set_left_right(terminal: Terminal, margins: Tuple[int, int]) -> None:
    """DECSLRM under mode ?69, else SCOSC."""
    if not terminal.left_right:
        if margins == (0, -1):
            terminal.save_cursor()
        return
    left, right = margins
    right = terminal.columns - 1 if right < 0 else min(right, terminal.columns - 1)
    if left < right:
        terminal.left = left
        terminal.right = right
        position(terminal, (0, 0))
