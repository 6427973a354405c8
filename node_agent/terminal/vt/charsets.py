"""Character sets a program can designate (ECMA-35, VT220): ASCII, line drawing and UK."""

from __future__ import annotations

from typing import Dict, Optional

_LINE_DRAWING = dict(zip(range(0x5F, 0x7F), "\xa0◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"))

TRANSLATIONS: Dict[str, Dict[int, str]] = {"0": _LINE_DRAWING, "A": {0x23: "£"}}


def translation(final: str) -> Optional[Dict[int, str]]:
    """How the characters of a set with this final character are shown; None for ASCII and sets not known."""
    return TRANSLATIONS.get(final)
