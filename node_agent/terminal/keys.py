"""Turns key names and pasted text into the bytes a terminal would send, for the modes the program has switched on.

Three encodings exist side by side: the legacy one of xterm with TERM=xterm-256color, xterm's modifyOtherKeys
(`CSI 27 ; modifier ; code ~`) and the kitty keyboard protocol (`CSI code ; modifier u`). Only key presses are encoded.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import Dict, FrozenSet, NamedTuple, Optional, Tuple

from node_agent.terminal.engine import Modes


class UnknownKeyError(ValueError):
    """A key name nobody knows; the message names the nearest ones."""


class Key(NamedTuple):
    """A parsed key: a name of the tables below or one character, and its modifiers (`shift`, `alt`, `ctrl`)."""

    name: str
    modifiers: FrozenSet[str]

    @property
    def modifier_code(self) -> int:
        """The modifier parameter of xterm and kitty: 1 + shift 1 + alt 2 + ctrl 4."""
        return 1 + sum(value for name, value in _MODIFIER_BITS if name in self.modifiers)


_MODIFIER_BITS = (("shift", 1), ("alt", 2), ("ctrl", 4))
_MODIFIER_NAMES = {"shift": "shift", "alt": "alt", "meta": "alt", "option": "alt", "ctrl": "ctrl", "control": "ctrl"}

_DISAMBIGUATE = 1
_ALTERNATE_KEYS = 4
_ALL_AS_ESCAPES = 8
_ASSOCIATED_TEXT = 16

_LETTER_KEYS = {
    "up": "A",
    "down": "B",
    "right": "C",
    "left": "D",
    "center": "E",
    "end": "F",
    "home": "H",
    "f1": "P",
    "f2": "Q",
    "f3": "R",
    "f4": "S",
}
"""Keys of the form `CSI letter`, `SS3 letter` in the application mode, `CSI 1 ; modifier letter`."""

_NUMBER_KEYS = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
    "menu": 29,
}
"""Keys of the form `CSI number ~`, `CSI number ; modifier ~`."""

_CONTROL_KEYS = {"enter": 13, "tab": 9, "escape": 27, "backspace": 127}
"""Keys that are one control byte in the legacy encoding, and that code point in the others."""

_KEYPAD: Dict[str, Tuple[str, str, int]] = {
    **{f"kp{digit}": (str(digit), chr(ord("p") + digit), 57399 + digit) for digit in range(10)},
    "kpdecimal": (".", "n", 57409),
    "kpdivide": ("/", "o", 57410),
    "kpmultiply": ("*", "j", 57411),
    "kpminus": ("-", "m", 57412),
    "kpplus": ("+", "k", 57413),
    "kpenter": ("\r", "M", 57414),
    "kpequal": ("=", "X", 57415),
}
"""Keypad keys: text in the numeric mode, SS3 letter in the application mode, kitty's code."""

_ALIASES = {
    "return": "enter",
    "esc": "escape",
    "bs": "backspace",
    "ins": "insert",
    "del": "delete",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "page_down": "pagedown",
    "backtab": "shift+tab",
}
_CHARACTER_NAMES = {
    "space": " ",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "underscore": "_",
    "circumflex_accent": "^",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}
_FUNCTION_KEYS = [f"f{number}" for number in range(1, 25)]
KEY_NAMES: Tuple[str, ...] = tuple(
    sorted({*_LETTER_KEYS, *_NUMBER_KEYS, *_CONTROL_KEYS, *_KEYPAD, *_FUNCTION_KEYS, "space"})
)
"""Every named key, for help and near matches; a single character names itself."""

_CONTROL_CHARACTERS = {
    **{chr(code + 0x60): code for code in range(1, 27)},
    **dict(zip("@[\\]^_?", (0, 27, 28, 29, 30, 31, 127))),
    **dict(zip(" 2345678/", (0, 0, 27, 28, 29, 30, 31, 127, 31))),
}
"""What ctrl makes of a character in the legacy encoding (the digits and the slash as xterm on a US keyboard)."""


def _character(name: str) -> Optional[str]:
    if len(name) == 1:
        return name
    if name in _CHARACTER_NAMES:
        return _CHARACTER_NAMES[name]
    try:
        return unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return None


def parse_key(spec: str) -> Key:
    """Parse `enter`, `ctrl+c`, `shift+tab`, `alt+x`, `+`, `ctrl++`; raises `UnknownKeyError`."""
    head, _, last = spec.rpartition("+")
    if spec == "+" or spec.endswith("++"):
        head, last = spec[:-2], "+"
    modifiers = set()
    for part in head.split("+") if head else []:
        modifier = _MODIFIER_NAMES.get(part.lower())
        if modifier is None:
            raise UnknownKeyError(f"unknown modifier {part!r} in key {spec!r}: use shift, alt or ctrl")
        modifiers.add(modifier)
    name = last if len(last) == 1 else last.lower()
    name = _ALIASES.get(name, name)
    if name == "shift+tab":
        modifiers.add("shift")
        name = "tab"
    if name not in KEY_NAMES or name == "space":
        character = _character(name)
        if character is None or unicodedata.category(character) in ("Cc", "Cs"):
            raise UnknownKeyError(_unknown(spec, name))
        name = character
    if len(name) == 1 and name.isalpha() and len(name.upper()) == 1 and "shift" in modifiers:
        name = name.upper()
    return Key(name, frozenset(modifiers))


def _unknown(spec: str, name: str) -> str:
    near = difflib.get_close_matches(name, [*KEY_NAMES, *_ALIASES], n=3)
    hint = f": did you mean {', '.join(near)}?" if near else "; use a name such as enter, up, f5 or ctrl+c"
    return f"unknown key {spec!r}{hint}"


def encode_key(spec: str, modes: Modes) -> bytes:
    """Return what the terminal sends for the key `spec` in `modes`.

    `spec` is a key name, a character, either with `shift+`, `alt+`, `ctrl+` before it, or `hex:` and the bytes
    themselves. Raises `UnknownKeyError`.
    """
    if spec.startswith("hex:"):
        try:
            return bytes.fromhex(spec[4:])
        except ValueError:
            raise UnknownKeyError(f"not pairs of hexadecimal digits: {spec!r}") from None
    key = parse_key(spec)
    if key.name in _KEYPAD:
        text = _keypad(key, modes)
    elif modes.kitty_flags:
        text = _kitty(key, modes.kitty_flags)
    else:
        text = _functional(key, modes) or _other_key(key, modes.modify_other_keys) or _legacy(key, modes)
    return text.encode()


def _keypad(key: Key, modes: Modes) -> str:
    text, letter, code = _KEYPAD[key.name]
    if modes.kitty_flags & _ALL_AS_ESCAPES or (modes.kitty_flags and (key.modifiers or key.name == "kpenter")):
        return _csi_u(code, key.modifier_code)
    if modes.application_keypad:
        return f"\x1bO{key.modifier_code if key.modifiers else ''}{letter}"
    return ("\x1b" if "alt" in key.modifiers else "") + text


def _functional(key: Key, modes: Modes) -> str:
    name, modifier = key.name, key.modifier_code
    if name not in _LETTER_KEYS and name not in _NUMBER_KEYS and name in _FUNCTION_KEYS:
        # terminfo's xterm-256color has f13-f24 as shift+f1-f12.
        name = f"f{int(name[1:]) - 12}"
        modifier = 1 + (modifier - 1 | 1)
    if name in _NUMBER_KEYS:
        return f"\x1b[{_NUMBER_KEYS[name]}{f';{modifier}' if modifier > 1 else ''}~"
    if name not in _LETTER_KEYS:
        return ""
    if modifier > 1:
        return f"\x1b[1;{modifier}{_LETTER_KEYS[name]}"
    is_ss3 = name.startswith("f") or (modes.application_cursor and not modes.kitty_flags)
    return f"\x1b{'O' if is_ss3 else '['}{_LETTER_KEYS[name]}"


def _other_key(key: Key, level: int) -> str:
    """xterm's modifyOtherKeys: 1 encodes what has no legacy form, 2 every modified key but shifted text."""
    if not level or not key.modifiers or (key.name == "tab" and key.modifiers == {"shift"}):
        return ""
    code = _CONTROL_KEYS.get(key.name) or ord(key.name)
    if key.name in _CONTROL_KEYS:
        has_legacy_form = key.name in ("backspace", "escape") or key.modifiers == {"alt"}
    else:
        has_legacy_form = "ctrl" not in key.modifiers or key.name.lower() in _CONTROL_CHARACTERS
        if key.modifiers == {"shift"}:
            return ""
    if level == 1 and has_legacy_form:
        return ""
    return f"\x1b[27;{key.modifier_code};{code}~"


def _legacy(key: Key, modes: Modes) -> str:
    prefix = "\x1b" if "alt" in key.modifiers else ""
    if key.name == "tab" and "shift" in key.modifiers:
        return prefix + "\x1b[Z"
    if key.name == "enter":
        return prefix + ("\r\n" if modes.newline else "\r")
    if key.name == "backspace":
        return prefix + ("\x08" if "ctrl" in key.modifiers else "\x7f")
    if key.name in _CONTROL_KEYS:
        return prefix + chr(_CONTROL_KEYS[key.name])
    if "ctrl" in key.modifiers:
        control = _CONTROL_CHARACTERS.get(key.name.lower())
        return prefix + (key.name if control is None else chr(control))
    return prefix + key.name


def _csi_u(code: object, modifier: int, text: str = "") -> str:
    fields = [str(code), str(modifier) if modifier > 1 else "", ":".join(str(ord(item)) for item in text)]
    while not fields[-1]:
        fields.pop()
    return f"\x1b[{';'.join(fields)}u"


_KITTY_F13 = 57376
_KITTY_MENU = 57363


def _kitty(key: Key, flags: int) -> str:
    """The kitty keyboard protocol's form; flags that ask only for repeat and release events change nothing here."""
    name, modifier = key.name, key.modifier_code
    if not flags & (_DISAMBIGUATE | _ALL_AS_ESCAPES):
        return _functional(key, Modes()) or _legacy(key, Modes())
    if name == "f3":
        return f"\x1b[13{f';{modifier}' if modifier > 1 else ''}~"  # CSI R is a cursor report there
    if name == "menu":
        return _csi_u(_KITTY_MENU, modifier)
    if name in _FUNCTION_KEYS[12:]:
        return _csi_u(_KITTY_F13 + int(name[1:]) - 13, modifier)
    functional = _functional(key, Modes(kitty_flags=flags))
    if functional:
        return functional
    if name in _CONTROL_KEYS:
        if name != "escape" and not key.modifiers and not flags & _ALL_AS_ESCAPES:
            return chr(_CONTROL_KEYS[name])
        return _csi_u(_CONTROL_KEYS[name], modifier)
    if not key.modifiers & {"alt", "ctrl"} and not flags & _ALL_AS_ESCAPES:
        return name
    base = name.lower() if len(name.lower()) == 1 else name
    if base != name:
        modifier = 1 + (modifier - 1 | 1)
    code = str(ord(base))
    if base != name and flags & _ALTERNATE_KEYS:
        code += f":{ord(name)}"
    shown = name if flags & _ASSOCIATED_TEXT and not key.modifiers & {"alt", "ctrl"} else ""
    return _csi_u(code, modifier, shown)


_PASTE_MARKS = re.compile("(?:\x1b\\[|\x9b)20[01]~")
_PASTE_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def encode_paste(text: str, modes: Modes) -> bytes:
    """Return pasted `text` as the program expects it: bracketed when it asked for that, else with CR for newlines.

    Control characters but tab and newline are dropped, so that a paste can neither end its own bracket nor press a
    key (xterm's and kitty's rule).
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _PASTE_CONTROLS.sub("", _PASTE_MARKS.sub("", text))
    if modes.bracketed_paste:
        return b"\x1b[200~" + text.encode("utf-8", "replace") + b"\x1b[201~"
    return text.replace("\n", "\r").encode("utf-8", "replace")


def encode_focus(has_focus: bool, modes: Modes) -> bytes:
    """Return the focus report, or nothing where the program did not ask for it (xterm mode 1004)."""
    if not modes.focus_events:
        return b""
    return b"\x1b[I" if has_focus else b"\x1b[O"
