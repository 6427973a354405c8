"""Pens and how SGR changes them (ECMA-48 8.3.117, ISO 8613-6, xterm ctlseqs, kitty's underline styles)."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List, Optional, Tuple

from node_agent.terminal.engine import DEFAULT_PEN, Cell, Color, Flag, Pen

BRUSH_LIMIT = 1024
FOLLOWER_LIMIT = 256
_UNDERLINE = int(Flag.UNDERLINE)
_PROTECTED = int(Flag.PROTECTED)


class CellsOf(Dict[str, Cell]):
    """The cells of one pen by their text, made when first asked for."""

    def __init__(self, pen: Pen) -> None:
        super().__init__()
        self.pen = pen

    def __missing__(self, text: str) -> Cell:
        cell = Cell("" if text == "\0" else text, self.pen)
        if len(self) < 4096:
            self[text] = cell
        return cell


@lru_cache(maxsize=4096)
def _fill(background: Color) -> Pen:
    return Pen(background=background)


class Brush(Dict[str, "Brush"]):
    """A pen together with what the engine derives from it; maps an SGR, as it came, to the brush after it.

    It remembers what it leads to from the second time on: most pens of a colourful picture never lead anywhere again.
    """

    __slots__ = ("fill", "is_left", "pen")

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        background = pen[1]
        self.fill = DEFAULT_PEN if background is None else _fill(background)
        """The pen of cells erased under this one: its background alone (xterm's BCE)."""
        self.is_left = False

    def __missing__(self, sgr: str) -> Brush:
        foreground, background, kept_bits, set_bits, style, underline = parsed_sgr(sgr)
        pen = self.pen
        values = (
            pen[0] if foreground is KEPT else foreground,
            pen[1] if background is KEPT else background,
            pen[2] & kept_bits | set_bits,
            pen[3] if style is None else style,
            pen[4] if underline is KEPT else underline,
            pen[5],
        )
        # as `Pen(...)` but in half the time: a colourful picture is made of new pens
        follower = BRUSHES.of(tuple.__new__(Pen, values))
        if self.is_left:
            if len(self) >= FOLLOWER_LIMIT:
                self.clear()
            self[sgr] = follower
        else:
            self.is_left = True
        return follower


class Brushes:
    """The brushes in use, one a pen; forgotten when a program uses thousands, all but the default one."""

    def __init__(self) -> None:
        self.default = Brush(DEFAULT_PEN)
        self._by_pen: Dict[Pen, Brush] = {DEFAULT_PEN: self.default}

    def of(self, pen: Pen) -> Brush:
        """The brush of `pen`."""
        brush = self._by_pen.get(pen)
        if brush is None:
            if len(self._by_pen) >= BRUSH_LIMIT:
                self._forget()
            brush = self._by_pen[pen] = Brush(pen)
        return brush

    def _forget(self) -> None:
        """Let go of all brushes but the default one, and of the ways from one to the next."""
        for brush in filter(None, self._by_pen.values()):
            brush.clear()
        self._by_pen = {DEFAULT_PEN: self.default}


_SET = {
    1: Flag.BOLD,
    2: Flag.DIM,
    3: Flag.ITALIC,
    5: Flag.BLINK,
    6: Flag.BLINK,
    7: Flag.INVERSE,
    8: Flag.HIDDEN,
    9: Flag.STRIKE,
    53: Flag.OVERLINE,
}
_CLEARED = {
    22: Flag.BOLD | Flag.DIM,
    23: Flag.ITALIC,
    25: Flag.BLINK,
    27: Flag.INVERSE,
    28: Flag.HIDDEN,
    29: Flag.STRIKE,
    55: Flag.OVERLINE,
}
_SET_BITS = {code: int(flag) for code, flag in _SET.items()}
_KEPT_BITS = {code: ~int(flag) for code, flag in _CLEARED.items()}


KEPT: Color = (-1, -1, -1)
"""Stands for a colour that an SGR says nothing of; known by its identity."""


Change = Tuple[Color, Color, int, int, Optional[int], Color]
"""What an SGR does to a pen: foreground, background, flags kept, flags set, underline style (None: kept) and colour."""


@lru_cache(maxsize=4096)
def parsed_sgr(sgr: str) -> Change:
    """What an SGR, as it came, does; what is not understood changes nothing."""
    items = sgr[2:-1].split(";")
    if len(items) == 5 and items[1] == "2" and items[0] in ("38", "48"):
        # 24-bit colour alone, of which no cache holds enough
        color = _rgb(items[2], items[3], items[4])
        if items[0] == "38":
            return color, KEPT, -1, 0, None, KEPT
        return KEPT, color, -1, 0, None, KEPT
    foreground = background = underline = KEPT
    kept_bits = -1
    set_bits = 0
    style: Optional[int] = None
    index = 0
    while index < len(items):
        item = items[index]
        index += 1
        if ":" in item:
            sub = [_number(part) for part in item.split(":")]
            code = sub[0]
        else:
            sub = []
            code = _number(item)
        if code == 0:
            foreground = background = underline = None
            kept_bits = _PROTECTED
            set_bits = style = 0
        elif code in _SET_BITS:
            set_bits |= _SET_BITS[code]
        elif code in _KEPT_BITS:
            kept_bits &= _KEPT_BITS[code]
            set_bits &= _KEPT_BITS[code]
        elif code in (4, 21, 24):
            style = _underline_style(code, sub)
            kept_bits &= ~_UNDERLINE
            set_bits = set_bits | _UNDERLINE if style else set_bits & ~_UNDERLINE
        elif 30 <= code <= 37:
            foreground = code - 30
        elif 40 <= code <= 47:
            background = code - 40
        elif 90 <= code <= 97:
            foreground = code - 82
        elif 100 <= code <= 107:
            background = code - 92
        elif code == 39:
            foreground = None
        elif code == 49:
            background = None
        elif code == 59:
            underline = None
        elif code in (38, 48, 58):
            if sub:
                color = _color_of_parts(sub)
            else:
                color, index = _color_of_items(items, index)
            if color is KEPT:
                continue
            if code == 38:
                foreground = color
            elif code == 48:
                background = color
            else:
                underline = color
    return foreground, background, kept_bits, set_bits, style, underline


def _number(text: str) -> int:
    """A parameter's value; one with a colon in it, where none belongs, is out of every range."""
    if text.isdigit() and len(text) < 6:
        return int(text)
    return 65535 if text else 0


def _underline_style(code: int, sub: List[int]) -> int:
    if code == 4:
        return min(sub[1], 5) if sub else 1
    return 2 if code == 21 else 0


_BYTES = {str(value): value for value in range(256)}


def _rgb(red: str, green: str, blue: str) -> Color:
    """A 24-bit colour; `KEPT` when a part of it is out of range."""
    try:
        return (_BYTES[red], _BYTES[green], _BYTES[blue])
    except KeyError:  # leading zeros or nothing at all
        color = (_number(red), _number(green), _number(blue))
        return color if max(color) <= 255 else KEPT


def _color_of_parts(sub: List[int]) -> Color:
    """The colour of `38:5:n`, `38:2:r:g:b` and `38:2:colourspace:r:g:b`; `KEPT` when it is none."""
    kind = sub[1]
    if kind == 5 and len(sub) > 2:
        return sub[2] if sub[2] <= 255 else KEPT
    if kind == 2 and len(sub) >= 5:
        red, green, blue = sub[3:6] if len(sub) >= 6 else sub[2:5]
        return (red, green, blue) if max(red, green, blue) <= 255 else KEPT
    return KEPT


def _color_of_items(items: List[str], index: int) -> Tuple[Color, int]:
    """The colour of `38;5;n` and `38;2;r;g;b` whose kind is at `index`, or `KEPT`, and where the next parameter is."""
    kind = _item(items, index)
    if kind == 5:
        value = _item(items, index + 1)
        return (value if value is not None and value <= 255 else KEPT), index + 2
    if kind == 2:
        parts = [part.partition(":")[0] for part in items[index + 1 : index + 4]]
        return (_rgb(*parts) if len(parts) == 3 else KEPT), index + 4
    return KEPT, index + 1


def _item(items: List[str], index: int) -> Optional[int]:
    return _number(items[index].partition(":")[0]) if index < len(items) else None


BRUSHES = Brushes()
"""One store for every session of the process: what a pen leads to does not depend on who draws."""
