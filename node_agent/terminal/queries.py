"""What a program hears when it asks its terminal a question.

It owns the answers, the same from either engine and whether or not anyone is attached. An answer is a fixed string or
numbers of the terminal's own state; nothing a session printed is ever echoed, so that output cannot type into the
child. Titles, clipboard and cell contents are never reported, graphics are never advertised.
"""

from __future__ import annotations

import re
from typing import Deque, Dict, List, Optional, Protocol, Tuple

from node_agent.terminal.engine import Color, EngineOptions, Flag, Pen, Reply

REPLIES_KEPT = 128
"""Replies that wait to be drained; a program that asks on without reading is not answered further."""

_STATUS = {
    "5": "\x1b[0n",  # DSR: no malfunction
    "?15": "\x1b[?13n",  # no printer
    "?25": "\x1b[?20n",  # user keys unlocked
    "?26": "\x1b[?27;1;0;0n",  # keyboard: North American
    "?53": "\x1b[?50n",  # no locator
    "?55": "\x1b[?50n",
}
_FIXED = {
    "c": "\x1b[?62;22c",  # DA1: VT220 with colour
    ">c": "\x1b[>41;380;0c",  # DA2: an xterm recent enough for SGR mouse reports
    "=c": "\x1bP!|00000000\x1b\\",  # DA3
    ">q": "\x1bP>|relaytui\x1b\\",  # XTVERSION
}
_CAPABILITIES = {"TN": "xterm-256color", "Co": "256", "colors": "256", "RGB": "8"}
_HEX_CAPABILITIES = {name.encode().hex(): value.encode().hex() for name, value in _CAPABILITIES.items()}
_CSI = re.compile(r"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")

PERMANENTLY_RESET = 4
_FIXED_MODES = frozenset([2, 3, 4, 8, 38, 40, 42, 66, 67])
"""DEC private modes that are known and cannot be set here (xterm ctlseqs, DECRPM value 4)."""


class QueryView(Protocol):
    """What of a terminal its answers depend on."""

    columns: int
    rows: int

    @property
    def report_position(self) -> Tuple[int, int]:
        """Row and column from 1, relative to the margins in origin mode."""

    @property
    def report_margins(self) -> Tuple[int, int, int, int]:
        """Top, bottom, left and right margin from 0."""

    @property
    def report_pen(self) -> Pen:
        """The pen in force."""

    @property
    def report_style(self) -> int:
        """The DECSCUSR parameter."""

    @property
    def report_keyboard(self) -> Tuple[int, int]:
        """Kitty flags of the active screen and the modifyOtherKeys level."""

    def report_mode(self, mode: int, private: bool) -> Optional[bool]:
        """Whether a mode is set; None when it is not known."""


class ReplyQueue:
    """Replies waiting for the program, at most `REPLIES_KEPT`."""

    def __init__(self) -> None:
        self._waiting: Deque[Reply] = Deque()

    def add(self, text: Optional[str], offset: int) -> None:
        """Queue an answer, if it is one."""
        if text and len(self._waiting) < REPLIES_KEPT:
            self._waiting.append(Reply(text.encode("ascii"), offset))

    def drain(self) -> List[Reply]:
        """The waiting replies, which wait no more."""
        replies = list(self._waiting)
        self._waiting.clear()
        return replies


def answer_csi(sequence: str, view: QueryView, options: EngineOptions) -> Optional[str]:
    """The answer to a control sequence; None when it asks nothing that is answered."""
    found = _CSI.fullmatch(sequence)
    if not found:
        return None
    marker, parameters, intermediates, final = found.groups()
    kind = marker + intermediates + final
    if kind in _FIXED:
        return _FIXED[kind] if parameters in ("", "0") else None
    if kind in ("n", "?n"):
        return _status(marker + parameters, view, options)
    if kind in ("$p", "?$p"):
        return _mode_report(marker, parameters, view)
    if kind == "?u" and not parameters:
        return f"\x1b[?{view.report_keyboard[0]}u"
    if kind == "?m" and parameters == "4":
        return f"\x1b[>4;{view.report_keyboard[1]}m"
    if kind == "t" and parameters in ("18", "19"):
        return f"\x1b[{int(parameters) - 10};{view.rows};{view.columns}t"
    return None


def _status(request: str, view: QueryView, options: EngineOptions) -> Optional[str]:
    if request in ("6", "?6"):
        row, column = view.report_position
        return f"\x1b[{request[:-1]}{row};{column}R"
    if request == "?996":  # colour scheme, contour's extension: 1 dark, 2 light
        red, green, blue = options.background
        return f"\x1b[?997;{1 if 2 * red + 5 * green + blue < 8 * 128 else 2}n"
    return _STATUS.get(request)


def _mode_report(marker: str, parameters: str, view: QueryView) -> Optional[str]:
    if not parameters.isdigit() or len(parameters) > 5:
        return None
    mode = int(parameters)
    is_set = view.report_mode(mode, marker == "?")
    unsettable = PERMANENTLY_RESET if marker and mode in _FIXED_MODES else 0
    value = unsettable if is_set is None else 2 - is_set
    return f"\x1b[{marker}{mode};{value}$y"


def answer_string(string: str, terminator: str, view: QueryView, options: EngineOptions) -> Optional[str]:
    """The answer to an OSC or DCS, given as introducer with body; None when it asks nothing that is answered."""
    if string.startswith("\x1b]"):
        return _answer_osc(string[2:], terminator, options)
    if string.startswith("\x1bP$q"):
        setting = _setting(string[4:], view)
        return "\x1bP0$r\x1b\\" if setting is None else f"\x1bP1$r{setting}{string[4:]}\x1b\\"
    if string.startswith("\x1bP+q"):
        value = _HEX_CAPABILITIES.get(string[4:].lower())
        return "\x1bP0+r\x1b\\" if value is None else f"\x1bP1+r{string[4:].lower()}={value}\x1b\\"
    return None


def _answer_osc(body: str, terminator: str, options: EngineOptions) -> Optional[str]:
    code, _, argument = body.partition(";")
    dynamic = {"10": options.foreground, "11": options.background, "12": options.cursor}
    if argument == "?" and code in dynamic:
        return f"\x1b]{code};{_rgb(dynamic[code])}{terminator}"
    if code != "4":
        return None
    index, _, question = argument.partition(";")
    if question != "?" or not index.isdigit() or len(index) > 3 or int(index) > 255:
        return None
    return f"\x1b]4;{int(index)};{_rgb(palette_color(int(index)))}{terminator}"


def _rgb(color: Tuple[int, int, int]) -> str:
    return "rgb:" + "/".join(f"{part:02x}{part:02x}" for part in color)


_BASE_COLORS = (0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5)
_BRIGHT_COLORS = (0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF)


def palette_color(index: int) -> Tuple[int, int, int]:
    """The colour of palette entry `index`, 0 to 255, as xterm ships it."""
    if index < 16:
        value = (_BASE_COLORS + _BRIGHT_COLORS)[index]
        return value >> 16, value >> 8 & 255, value & 255
    if index > 231:
        gray = 8 + 10 * (index - 232)
        return gray, gray, gray
    steps = (0, 95, 135, 175, 215, 255)
    index -= 16
    return steps[index // 36], steps[index // 6 % 6], steps[index % 6]


def _setting(request: str, view: QueryView) -> Optional[str]:
    """The parameters DECRQSS reports for a setting, without its final characters; None for an unknown one."""
    top, bottom, left, right = view.report_margins
    if request == "r":
        return f"{top + 1};{bottom + 1}"
    if request == "s":
        return f"{left + 1};{right + 1}"
    if request == "m":
        return pen_setting(view.report_pen)
    if request == " q":
        return str(view.report_style)
    if request == '"q':
        return "1" if view.report_pen.flags & Flag.PROTECTED else "2"
    if request == '"p':
        return "62;1"
    if request == "t":
        return str(view.rows)
    return None


_FLAG_SETTINGS: Dict[Flag, str] = {
    Flag.BOLD: "1",
    Flag.DIM: "2",
    Flag.ITALIC: "3",
    Flag.BLINK: "5",
    Flag.INVERSE: "7",
    Flag.HIDDEN: "8",
    Flag.STRIKE: "9",
    Flag.OVERLINE: "53",
}


def pen_setting(pen: Pen) -> str:
    """The pen as DECRQSS reports it; colours in the unambiguous form with colons (ISO 8613-6)."""
    codes = [code for flag, code in _FLAG_SETTINGS.items() if pen.flags & flag]
    if pen.flags & Flag.UNDERLINE:
        codes.append("4" if pen.underline_style <= 1 else f"4:{pen.underline_style}")
    codes += _color_setting(pen.foreground, 30) + _color_setting(pen.background, 40)
    codes += _color_setting(pen.underline_color, 50)
    return ";".join(codes) or "0"


def _color_setting(color: Color, base: int) -> List[str]:
    if color is None:
        return []
    if isinstance(color, tuple):
        return [f"{base + 8}:2:{color[0]}:{color[1]}:{color[2]}"]
    if base != 50 and color < 16:
        return [str(base + color if color < 8 else base + 60 + color - 8)]
    return [f"{base + 8}:5:{color}"]
