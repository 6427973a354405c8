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


_NO_FOLLOWERS: Dict[str, Brush] = {}
"""Stands for the followers of a brush until it has one: most pens of a colourful picture never do."""


class Brush:
    """A pen together with what the engine derives from it."""

    __slots__ = ("fill", "followers", "is_plain", "pen")

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.fill = DEFAULT_PEN if pen.background is None else _fill(pen.background)
        """The pen of cells erased under this one: its background alone (xterm's BCE)."""
        self.is_plain = pen.link is None and not pen.flags & _PROTECTED
        """Whether `CSI m` leads back to the default pen."""
        self.followers: Dict[str, Brush] = _NO_FOLLOWERS
        """The brush after an SGR, by the SGR's parameters."""


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
        for brush in self._by_pen.values():
            brush.followers = _NO_FOLLOWERS
        self._by_pen = {DEFAULT_PEN: self.default}

    def after(self, brush: Brush, parameters: str) -> Brush:
        """The brush after `CSI parameters m`."""
        if parameters in ("", "0") and brush.is_plain:
            follower = self.default
        else:
            follower = self.of(apply_sgr(brush.pen, parameters))
        if brush.followers is _NO_FOLLOWERS or len(brush.followers) >= FOLLOWER_LIMIT:
            brush.followers = {}
        brush.followers[parameters] = follower
        return follower


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


_PLAIN_COLORS = frozenset(["38", "48"])
_PLAIN_FORMS = frozenset([(3, "5"), (5, "2")])


def apply_sgr(pen: Pen, parameters: str) -> Pen:
    """The pen after `CSI parameters m`; what is not understood changes nothing."""
    items = parameters.split(";")
    if len(items) > 2 and items[0] in _PLAIN_COLORS and (len(items), items[1]) in _PLAIN_FORMS:
        # a colour alone, by far the most common form no pen has met before
        numbers = [_number(item) for item in items[2:]]
        if max(numbers) > 255:
            return pen
        color: Color = numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])
        if items[0] == "38":
            return Pen(color, pen[1], pen[2], pen[3], pen[4], pen[5])
        return Pen(pen[0], color, pen[2], pen[3], pen[4], pen[5])
    foreground, background, flags, style, underline, link = pen
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
            flags &= _PROTECTED
            style = 0
        elif code in _SET_BITS:
            flags |= _SET_BITS[code]
        elif code in _KEPT_BITS:
            flags &= _KEPT_BITS[code]
        elif code in (4, 21, 24):
            style = _underline_style(code, sub)
            flags = flags | _UNDERLINE if style else flags & ~_UNDERLINE
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
                known, color = _color_of_parts(sub)
            else:
                known, color, index = _color_of_items(items, index)
            if not known:
                continue
            if code == 38:
                foreground = color
            elif code == 48:
                background = color
            else:
                underline = color
    return Pen(foreground, background, flags, style, underline, link)


def _number(text: str) -> int:
    """A parameter's value; one with a colon in it, where none belongs, is out of every range."""
    if text.isdigit() and len(text) < 6:
        return int(text)
    return 65535 if text else 0


def _underline_style(code: int, sub: List[int]) -> int:
    if code == 4:
        return min(sub[1], 5) if sub else 1
    return 2 if code == 21 else 0


def _color_of_parts(sub: List[int]) -> Tuple[bool, Color]:
    """The colour of `38:5:n`, `38:2:r:g:b` and `38:2:colourspace:r:g:b`."""
    kind = sub[1]
    if kind == 5 and len(sub) > 2:
        return sub[2] <= 255, sub[2]
    if kind == 2 and len(sub) >= 5:
        red, green, blue = sub[3:6] if len(sub) >= 6 else sub[2:5]
        return max(red, green, blue) <= 255, (red, green, blue)
    return False, None


def _color_of_items(items: List[str], index: int) -> Tuple[bool, Color, int]:
    """The colour of `38;5;n` and `38;2;r;g;b` whose kind is at `index`, and where the next parameter is."""
    kind = _item(items, index)
    if kind == 5:
        value = _item(items, index + 1)
        return value is not None and value <= 255, value, index + 2
    if kind == 2:
        parts = items[index + 1 : index + 4]
        if len(parts) < 3:
            return False, None, index + 4
        red, green, blue = (_number(part.partition(":")[0]) for part in parts)
        return red < 256 and green < 256 and blue < 256, (red, green, blue), index + 4
    return False, None, index + 1


def _item(items: List[str], index: int) -> Optional[int]:
    return _number(items[index].partition(":")[0]) if index < len(items) else None


BRUSHES = Brushes()
"""One store for every session of the process: what a pen leads to does not depend on who draws."""
