"""Text as the cells it fills, found without a terminal: what printing does wherever nothing is in the way.

It owns the cutting of text into cells. Text that may join the cell before it is left to `printing`, which looks there.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from node_agent.terminal.packed import WIDE_PAD
from node_agent.terminal.tokenizer import decode_text
from node_agent.terminal.vt.widths import (
    CLUSTER_LIMIT,
    EMOJI,
    MARKS_LIMIT,
    NARROW_RUN,
    ONLY_NARROW,
    RUNS,
    WIDE_RUN,
    ZWJ,
    character_width,
    cluster_width,
    joins,
    may_join,
)

KEPT_LENGTH = 96
"""Bytes of text whose layout is remembered: what programs draw with is short and comes again and again."""

KEPT_LIMIT = 2048

Cells = Union[str, Tuple[str, ...]]


class Layout(NamedTuple):
    """Text and the cells it fills, `None` when that depends on the cell before it.

    `last` is the text as far as what follows may join it or repeat it.
    """

    text: str
    cells: Optional[Cells]
    is_narrow: bool = False  # one column a character
    is_wide: bool = False  # a wide character is in it
    is_clustered: bool = False  # `cells` is a tuple
    last: str = ""


KNOWN: Dict[str, Layout] = {}
"""Layouts by the text as it came, latin-1 of UTF-8."""


def layout_of(raw: str) -> Layout:
    """The layout of a TEXT token that is not ASCII."""
    layout = lay_out(decode_text(raw))
    if len(raw) <= KEPT_LENGTH:
        if len(KNOWN) >= KEPT_LIMIT:
            KNOWN.clear()
        KNOWN[raw] = layout
    return layout


def lay_out(text: str) -> Layout:
    """The layout of decoded text."""
    if ONLY_NARROW.fullmatch(text):
        return Layout(text, text, is_narrow=True, last=text)
    if may_join(text[0]) or character_width(text[0]) <= 0:
        return Layout(text, None)
    builder = _Builder()
    for found in RUNS.finditer(text):
        kind, run = found.lastindex, found.group()
        if kind == NARROW_RUN:
            builder.parts.append(run)
            builder.last = run
        elif kind == WIDE_RUN or (kind == EMOJI and builder.last[-1:] != ZWJ):
            builder.parts.append(WIDE_PAD.join(run) + WIDE_PAD)
            builder.last = run
            builder.is_wide = True
        else:
            for character in run:
                builder.add(character)
    return builder.layout(text)


class _Builder:
    """Cells so far, as texts of one code point a column, and tuples of one cell of several."""

    def __init__(self) -> None:
        self.parts: List[Cells] = []
        self.last = ""
        self.is_wide = False
        self._is_clustered = False

    def add(self, character: str) -> None:
        """Add a character that may join the cell before it, as `printing.print_character` does on a row."""
        width = character_width(character)
        if width < 0:
            return
        if width == 0 or ((self.last[-1:] == ZWJ or may_join(character)) and joins(self._last_cell(), character)):
            self._join(character)
            return
        self.last = character
        if width == 1:
            self.parts.append(character)
        else:
            self.parts.append(character + WIDE_PAD)
            self.is_wide = True

    def _last_cell(self) -> str:
        part = self.parts[-1]
        return part[-2] if part[-1] == WIDE_PAD else part[-1]

    def _join(self, character: str) -> None:
        part = self.parts[-1]
        columns = 2 if part[-1] == WIDE_PAD else 1
        cluster = part[-columns] + character
        if len(cluster) > (CLUSTER_LIMIT if ZWJ in cluster else MARKS_LIMIT):
            return
        if len(part) == columns:
            self.parts.pop()
        else:
            self.parts[-1] = part[:-columns]
        if columns == 2 or cluster_width(cluster) == 2:
            self.parts.append((cluster, WIDE_PAD))
            self.is_wide = True
        else:
            self.parts.append((cluster,))
        self._is_clustered = True
        self.last = cluster

    def layout(self, text: str) -> Layout:
        """What was added."""
        if self._is_clustered:
            cells: Cells = tuple([cell for part in self.parts for cell in part])
        else:
            cells = "".join(self.parts)  # type: ignore[arg-type]  # tuples are of clusters
        return Layout(text, cells, False, self.is_wide, self._is_clustered, self.last)
