"""SGR for the `pyte` engine: every form current programs send, on `Pen` values.

Written apart from the `vt` engine's, which it is compared with: the two must not share a mistake.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Tuple

from node_agent.terminal.engine import DEFAULT_PEN, Color, Flag, Pen

_SWITCHES: Dict[int, Tuple[int, int]] = {
    1: (Flag.BOLD, 0),
    2: (Flag.DIM, 0),
    3: (Flag.ITALIC, 0),
    5: (Flag.BLINK, 0),
    6: (Flag.BLINK, 0),
    7: (Flag.INVERSE, 0),
    8: (Flag.HIDDEN, 0),
    9: (Flag.STRIKE, 0),
    22: (0, Flag.BOLD | Flag.DIM),
    23: (0, Flag.ITALIC),
    25: (0, Flag.BLINK),
    27: (0, Flag.INVERSE),
    28: (0, Flag.HIDDEN),
    29: (0, Flag.STRIKE),
    53: (Flag.OVERLINE, 0),
    55: (0, Flag.OVERLINE),
}
"""Flags an SGR code sets and clears (ECMA-48 8.3.117)."""

_COLOR_FIELDS = {38: "foreground", 48: "background", 58: "underline_color"}
_COLOR_RESETS = {39: "foreground", 49: "background", 59: "underline_color"}
_COLOR_RANGES = ((30, 0, "foreground"), (40, 0, "background"), (90, 8, "foreground"), (100, 8, "background"))


@lru_cache(maxsize=8192)
def pen_after(pen: Pen, parameters: str) -> Pen:
    """The pen after `CSI parameters m`; an unknown code changes nothing."""
    codes = iter(parameters.split(";"))
    for code in codes:
        pen = _sub_parameters(pen, code) if ":" in code else _plain(pen, _number(code), codes)
    return pen


def erased_pen(pen: Pen) -> Pen:
    """What an erased cell keeps of the pen: its background (xterm's BCE)."""
    return DEFAULT_PEN if pen.background is None else Pen(background=pen.background)


def _plain(pen: Pen, code: Optional[int], rest: Iterator[str]) -> Pen:
    if code is None:
        return pen
    if code == 0:
        return Pen(flags=int(pen.flags & Flag.PROTECTED), link=pen.link)
    if code in _SWITCHES:
        on, off = _SWITCHES[code]
        return pen._replace(flags=int(pen.flags & ~off | on))
    if code in (4, 21, 24):
        return _underlined(pen, {4: 1, 21: 2, 24: 0}[code])
    if code in _COLOR_RESETS:
        return _colored(pen, _COLOR_RESETS[code], None)
    if code in _COLOR_FIELDS:
        is_color, color = _following_color(rest)
        return _colored(pen, _COLOR_FIELDS[code], color) if is_color else pen
    for base, first, field in _COLOR_RANGES:
        if base <= code < base + 8:
            return _colored(pen, field, code - base + first)
    return pen


def _colored(pen: Pen, field: str, color: Color) -> Pen:
    if field == "foreground":
        return pen._replace(foreground=color)
    return pen._replace(background=color) if field == "background" else pen._replace(underline_color=color)


def _following_color(rest: Iterator[str]) -> Tuple[bool, Color]:
    """The colour of `5;n` or `2;r;g;b`, which takes its parameters off the list also where they are out of range."""
    kind = _leading(next(rest, None))
    if kind == 5:
        return _palette(_leading(next(rest, None)))
    if kind == 2:
        return _direct([_leading(next(rest, None)) for _ in range(3)])
    return False, None


def _sub_parameters(pen: Pen, code: str) -> Pen:
    """`4:style`, `38:5:n`, `38:2:r:g:b` and `38:2:space:r:g:b` (ISO 8613-6, kitty's underline styles)."""
    parts = [_number(part) for part in code.split(":")]
    if parts[0] == 4:
        return _underlined(pen, min(parts[1] or 0, 5))
    if parts[0] not in _COLOR_FIELDS:
        return pen
    is_color: bool = False
    color: Color = None
    if parts[1] == 5 and len(parts) > 2:
        is_color, color = _palette(parts[2])
    elif parts[1] == 2 and len(parts) > 4:
        is_color, color = _direct(parts[3:6] if len(parts) > 5 else parts[2:5])
    return _colored(pen, _COLOR_FIELDS[parts[0]], color) if is_color else pen


def _underlined(pen: Pen, style: int) -> Pen:
    flags = pen.flags | Flag.UNDERLINE if style else pen.flags & ~Flag.UNDERLINE
    return pen._replace(flags=int(flags), underline_style=style)


def _palette(value: Optional[int]) -> Tuple[bool, Color]:
    return value is not None and value <= 255, value


def _direct(values: List[Optional[int]]) -> Tuple[bool, Color]:
    red, green, blue = values
    if red is None or green is None or blue is None or max(red, green, blue) > 255:
        return False, None
    return True, (red, green, blue)


def _leading(code: Optional[str]) -> Optional[int]:
    return None if code is None else _number(code.partition(":")[0])


def _number(text: str) -> Optional[int]:
    """The parameter; 0 when empty, None when it is no sensible number."""
    if not text:
        return 0
    return int(text) if len(text) < 6 and text.isdigit() else None
