"""A captured screen as cells, and the tiles that are found on it."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from wcwidth import wcwidth

Cells = list[str]
"""One entry a column: a character with its marks, and "" for the second column of a wide one."""

TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT = "┌┏╭", "┐┓╮", "└┗╰"


def cells_of(line: str, width: int) -> Cells:
    """The line as exactly `width` cells, blanks behind its end."""
    cells: Cells = []
    for character in line:
        columns = wcwidth(character)
        if columns == 0 and cells:
            place = -1 if cells[-1] else -2
            cells[place] = unicodedata.normalize("NFC", cells[place] + character)
        else:
            cells += [unicodedata.normalize("NFC", character), *[""] * (columns - 1)]
    return [*cells, *[" "] * (width - len(cells))][:width]


class TileSeen(NamedTuple):
    """One tile as it stands on the screen: its edges as text, and the rows between them."""

    title: str
    rows: list[Cells]


def find_tile(screen: list[Cells], key: str) -> TileSeen | None:
    """The tile of the session `key`; None where no such tile is on the screen."""
    for y, row in enumerate(screen):
        for left, cell in enumerate(row):
            if not cell or cell not in TOP_LEFT:
                continue
            right = next((x for x in range(left, len(row)) if row[x] and row[x] in TOP_RIGHT), None)
            if right is None or f" {key} " not in (title := "".join(row[left : right + 1])):
                continue
            bottom = next((b for b in range(y + 1, len(screen)) if screen[b][left] in BOTTOM_LEFT), None)
            if bottom is not None:
                return TileSeen(title, [screen[inner][left + 1 : right] for inner in range(y + 1, bottom)])
    return None
