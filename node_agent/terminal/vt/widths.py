"""How many columns characters and clusters fill, and which characters join the cell before them.

The tables are wcwidth's, of Unicode `UNICODE_VERSION`: wcwidth lets nobody choose, so its releases are bounded. A cell
holds what a reader takes for one character: combining marks, variation selectors, emoji joined by ZWJ, skin tones and
pairs of regional indicators join the cell they follow, and its width is that of the whole (wcwidth's `wcswidth`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, Tuple

from wcwidth import wcswidth, wcwidth

UNICODE_VERSION = "18.0.0"

CLUSTER_LIMIT = 32
"""Code points in a cell; the longest emoji sequences have ten."""

MARKS_LIMIT = 6
"""Code points in a cell without ZWJ: a base and five marks."""

ZWJ = "\u200d"

_JOINED_SYMBOLS = frozenset("\u2194\u2195\u2640\u2642\u2695\u2696\u2708\u2764\u27a1\u2b1b")
"""Symbols of the old blocks that follow ZWJ in emoji sequences (Unicode emoji-zwj-sequences)."""


def _class_of(width: int, *blocks: Tuple[int, int]) -> str:
    """The characters of `width` in the blocks, first and last code point each, as the inside of a character class."""
    ranges: List[List[int]] = []
    for first, last in blocks:
        for code in range(first, last + 1):
            if wcwidth(chr(code)) != width or chr(code) in _JOINED_SYMBOLS:
                continue
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


NARROW = (
    " -~\xa0-\xa8\xaa-\xac\xaf-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u0482\u048a-\u052f\u1e00-\u1eff"
    "\u2010-\u2027\u2030-\u203b\u203d-\u2048\u204a-\u205e\u2070-\u20bf\u2200-\u22ff\u2460-\u24ff"
    "\u2500-\u25fc\u25ff\u2800-\u28ff\ue0a0-\ue0d4\ufffd"
) + _class_of(1, (0x2100, 0x2121), (0x2123, 0x2138), (0x213A, 0x21FF), (0x2300, 0x23FF), (0x2600, 0x27FF))
"""Characters of one column that never join the cell before them."""

WIDE = "\u3041-\u3096\u30a0-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60"
"""Characters of two columns that never join the cell before them."""

_EMOJI = _class_of(2, (0x1F300, 0x1F3FA), (0x1F400, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF))
"""Characters of two columns that join the cell before them when it ends in ZWJ."""

_MARKS = "\u0300-\u036f\u200d\ufe0f"
"""The most common characters of no width, which always join the cell before them."""

RUNS = re.compile(f"([{NARROW}]+)|([{WIDE}]+)|([{_EMOJI}]+)|([{_MARKS}]+)|(.)", re.DOTALL)
"""Cuts text into runs that print alike."""

NARROW_RUN, WIDE_RUN, EMOJI, MARKS, OTHER = 1, 2, 3, 4, 5
"""The groups of `RUNS`."""

ONLY_NARROW = re.compile(f"[{NARROW}]+")

_widths: Dict[str, int] = {}


def character_width(character: str) -> int:
    """Columns of a character by itself: 0, 1 or 2, and -1 for a control."""
    width = _widths.get(character)
    if width is None:
        if len(_widths) > 16384:
            _widths.clear()
        width = _widths[character] = wcwidth(character)
    return width


@lru_cache(maxsize=4096)
def cluster_width(cluster: str) -> int:
    """Columns of a cell's text: 1 or 2."""
    return 2 if wcswidth(cluster) >= 2 else 1


def may_join(character: str) -> bool:
    """Whether a character with a width may belong to the cell before it without ZWJ: a regional or a skin tone."""
    return _is_regional(character) or "\U0001f3fb" <= character <= "\U0001f3ff"


@lru_cache(maxsize=4096)
def joins(previous: str, character: str) -> bool:
    """Whether `character`, though it has a width, belongs to the cell `previous` before it."""
    if previous.endswith(ZWJ):
        return _is_pictograph(character)
    if "\U0001f3fb" <= character <= "\U0001f3ff":
        return _is_pictograph(previous[0])
    return _is_regional(character) and len(previous) == 1 and _is_regional(previous)


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_pictograph(character: str) -> bool:
    """Close to Unicode's Extended_Pictographic: the blocks that hold emoji."""
    return (
        "\U0001f000" <= character <= "\U0001faff"
        or "\u2190" <= character <= "\u2bff"
        or character in "\xa9\xae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299"
    )
