"""How many columns characters and clusters fill, and which characters join the cell before them.

The tables are wcwidth's, of the Unicode version `UNICODE_VERSION` says. A cell holds what a reader takes for one
character: combining marks, variation selectors, emoji joined by ZWJ, skin tones and pairs of regional indicators join
the cell they follow, and its width is that of the whole (wcwidth's `wcswidth`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict

from wcwidth import list_versions, wcswidth, wcwidth

UNICODE_VERSION: str = list_versions()[-1]

CLUSTER_LIMIT = 32
"""Code points in a cell; the longest emoji sequences have ten."""

MARKS_LIMIT = 6
"""Code points in a cell without ZWJ: a base and five marks."""

ZWJ = "\u200d"

NARROW = (
    " -~\xa0-\xac\xae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u0482\u048a-\u052f\u1e00-\u1eff\u2010-\u2027"
    "\u2030-\u203b\u203d-\u2048\u204a-\u205e\u2070-\u20bf\u2100-\u2121\u2123-\u2138\u213a-\u2193\u219a-\u21a8"
    "\u21ab-\u2319\u2336-\u23ce\u23d0-\u23e8\u2423\u2460-\u24c1\u24c3-\u25a9\u25ac-\u25b5\u25b7-\u25bf\u25c1-\u25fa"
    "\u25ff\u2605-\u260d\u2613\u2701\u2703-\u2704\u2717-\u271c\u273a-\u2743\u2758-\u2760\u2768-\u2793\u279c-\u27a0"
    "\u27a2-\u27af\u27c0-\u2933\u2936-\u2b04\u2b08-\u2b1a\ue0a0-\ue0d4\ufffd"
)
"""Characters of one column that never join the cell before them, as the inside of a character class."""

WIDE = "\u3041-\u3096\u30a0-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60"
"""Characters of two columns that never join the cell before them."""

RUNS = re.compile(f"([{NARROW}]+)|([{WIDE}]+)|(.)", re.DOTALL)

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
