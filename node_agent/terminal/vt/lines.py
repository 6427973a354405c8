"""Blocks of plain lines, printed without looking at each character.

Only the rows that stay on the screen become rows; what scrolls past goes to history as the text it came as. The result
is the same as printing line by line, which is what happens where a mode would make a difference.
"""

from __future__ import annotations

from typing import List, Set

from node_agent.terminal.engine import DEFAULT_PEN
from node_agent.terminal.packed import PackedRow
from node_agent.terminal.vt import movement, printing
from node_agent.terminal.vt.row import SHARED, Row
from node_agent.terminal.vt.terminal import Terminal


def print_lines(terminal: Terminal, block: str) -> None:
    """Print a LINES token: printable ASCII lines with tabs in them, each ended by CR LF, or each by CR CR LF.

    The second CR is the kernel's, where a program ends its lines as for a terminal in raw mode.
    """
    lines = block.split("\r\r\n" if block.endswith("\r\r\n") else "\r\n")
    lines.pop()
    has_tabs = "\t" in block
    can_skip = (
        terminal.quick_stop
        and terminal.autowrap
        and not terminal.top
        and terminal.bottom == terminal.rows - 1
        and terminal.brush.fill is DEFAULT_PEN
        and (not has_tabs or printing.can_expand_tabs(terminal))
    )
    for index, line in enumerate(lines):
        if can_skip and _is_at_fresh_last_row(terminal):
            rest = lines[index:]
            last = next((text for text in reversed(rest) if text.strip("\t")), "").rstrip("\t")
            if not has_tabs or _expand(rest, terminal.columns):
                _scroll_in(terminal, rest)
                terminal.last = last or terminal.last
                return
            can_skip = False
        printing.print_tabbed(terminal, line)
        movement.start_next_line(terminal, None)


def _expand(lines: List[str], columns: int) -> bool:
    """Put blanks for the tabs in place, unless one would reach the edge, where tabs stop."""
    for index, line in enumerate(lines):
        if "\t" in line:
            lines[index] = line.expandtabs(8)
            if len(lines[index]) > columns:
                return False
    return True


def _is_at_fresh_last_row(terminal: Terminal) -> bool:
    """Whether the cursor stands where a line feed at the bottom leaves it: before a blank row."""
    if terminal.x or terminal.pending or terminal.y != terminal.bottom:
        return False
    row = terminal.grid[-1]
    return row.length == SHARED and not row.runs and row.fill is DEFAULT_PEN


def _scroll_in(terminal: Terminal, lines: List[str]) -> None:
    """Print whole lines from a fresh last row on, under full margins and the default background."""
    pen = terminal.brush.pen
    continued: Set[int] = set()  # indexes of the pieces that the next one continues
    if max(map(len, lines)) > terminal.columns:
        lines = _cut_at_edge(lines, terminal.columns, continued)
    past = max(0, len(lines) - terminal.rows + 1)
    grid = terminal.grid
    leaving = grid[: min(len(lines), terminal.rows - 1)]
    if terminal.screen is terminal.main:
        for row in leaving:
            terminal.keep(row)
        if pen is DEFAULT_PEN and not continued:
            terminal.history.add_plain(lines[:past])
        else:
            for index in range(past):
                line = lines[index]
                terminal.history.add(PackedRow(line, (pen, len(line)) if line else (), index in continued))
    del grid[: len(leaving)]
    grid.pop()
    for index in range(past, len(lines)):
        row = Row(DEFAULT_PEN)
        line = lines[index]
        if line:
            row.runs = [line, pen]
            row.length = len(line)
            row.wrapped = index in continued
        grid.append(row)
    grid.append(terminal.blank_row())


def _cut_at_edge(lines: List[str], columns: int, continued: Set[int]) -> List[str]:
    """The lines cut to pieces that fit; `continued` takes the indexes of those that go on."""
    pieces: List[str] = []
    for line in lines:
        while len(line) > columns:
            continued.add(len(pieces))
            pieces.append(line[:columns])
            line = line[columns:]
        pieces.append(line)
    return pieces
