"""The colours a session's programs hear when they ask their terminal, as the operator chose them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

_HEX = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


@dataclass(frozen=True)
class Colors:
    """Each is `#rrggbb`, or "" where the operator has not said."""

    foreground: str = ""
    background: str = ""
    cursor: str = ""


def parse_color(text: str) -> Optional[Tuple[int, int, int]]:
    """Red, green and blue of `#rrggbb`, each 0 to 255; None for any other text."""
    if not _HEX.fullmatch(text):
        return None
    value = int(text[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255
