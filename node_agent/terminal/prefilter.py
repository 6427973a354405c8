"""The filter before pyte: of all a program can send, the calls that pyte's screen can take.

A sequence that means nothing to a terminal of this kind, has the wrong form or asks something ends here, since stock
pyte 0.8.2 raises on some, prints parts of others and misreads the rest (private and colon forms above all). It owns
which sequence is which call; what a call does is the screen's and the engine's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

NUMBER_LIMIT = 65535
_PARAMETERS_LIMIT = 64

_FORM = re.compile("\x1b\\[([<-?]?)([0-9:;]*)([ -/]*)([@-~])\\Z")


class Call(NamedTuple):
    """A method by name and its arguments."""

    method: str
    arguments: Tuple[Any, ...]


Numbers = List[int]
_Arguments = Callable[[Numbers], Tuple[Any, ...]]


def _count(numbers: Numbers) -> Tuple[int]:
    return (numbers[0] or 1,)


def _selector(numbers: Numbers) -> Tuple[int]:
    return (numbers[0],)


def _private_selector(numbers: Numbers) -> Tuple[int, bool]:
    return numbers[0], True


def _pair(numbers: Numbers) -> Tuple[int, int]:
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _all(numbers: Numbers) -> Tuple[Numbers]:
    return (numbers,)


def _modes(on: bool, private: bool) -> _Arguments:
    return lambda numbers: (numbers, on, private)


SCREEN_CALLS: Dict[str, Tuple[str, _Arguments]] = {
    "@": ("insert_characters", _count),
    "A": ("cursor_up", _count),
    "B": ("cursor_down", _count),
    "C": ("cursor_forward", _count),
    "D": ("cursor_back", _count),
    "E": ("cursor_down1", _count),
    "F": ("cursor_up1", _count),
    "G": ("cursor_to_column", _count),
    "H": ("cursor_position", _pair),
    "I": ("tab", _count),
    "J": ("erase_in_display", _selector),
    "?J": ("erase_in_display", _private_selector),
    "K": ("erase_in_line", _selector),
    "?K": ("erase_in_line", _private_selector),
    "L": ("insert_lines", _count),
    "M": ("delete_lines", _count),
    "P": ("delete_characters", _count),
    "S": ("scroll_up", _count),
    "T": ("scroll_down", _count),
    "?W": ("regular_tab_stops", _selector),
    "X": ("erase_characters", _count),
    "Z": ("back_tab", _count),
    "^": ("scroll_down", _count),
    "`": ("cursor_to_column", _count),
    "a": ("cursor_forward", _count),
    "b": ("repeat", _count),
    "d": ("cursor_to_line", _count),
    "e": ("rows_forward", _count),
    "f": ("cursor_position", _pair),
    "g": ("clear_tab_stop", _selector),
    "j": ("cursor_back", _count),
    "k": ("rows_back", _count),
    "r": ("set_margins", _pair),
    "u": ("restore_cursor", lambda _: ()),
}
"""Kind of a control sequence to a method of `HardenedScreen`."""

ENGINE_CALLS: Dict[str, Tuple[str, _Arguments]] = {
    "h": ("change_modes", _modes(True, False)),
    "l": ("change_modes", _modes(False, False)),
    "?h": ("change_modes", _modes(True, True)),
    "?l": ("change_modes", _modes(False, True)),
    "?s": ("save_modes", _all),
    "?r": ("restore_modes", _all),
    "s": ("save_cursor_if_plain", _all),
    "t": ("change_title_stack", _selector),
    "!p": ("soft_reset", lambda _: ()),
    " q": ("set_cursor_style", _selector),
    '"q': ("protect", _selector),
    ">m": ("modify_keys", _all),
    ">n": ("stop_modifying_keys", _selector),
    ">u": ("push_keyboard", _selector),
    "<u": ("pop_keyboard", _count),
    "=u": ("set_keyboard", _pair),
}
"""Kind of a control sequence to a method of the engine's state."""

QUESTIONS = frozenset(["c", ">c", "=c", ">q", "n", "?n", "$p", "?$p", "?u", "?m"])


class ControlSequence(NamedTuple):
    """A control sequence that passes: `kind` is marker, intermediates and final; one call, or a question."""

    kind: str
    parameters: str
    call: Optional[Call]


@lru_cache(maxsize=4096)
def read_control_sequence(text: str) -> Optional[ControlSequence]:
    """What `text` asks for; None when it is stopped here."""
    form = _FORM.match(text)
    if form is None:
        return None
    marker, parameters, intermediates, final = form.groups()
    kind = marker + intermediates + final
    if kind == "m" or kind in QUESTIONS:
        return ControlSequence(kind, parameters, None)
    entry = SCREEN_CALLS.get(kind) or ENGINE_CALLS.get(kind)
    if entry is None:
        return None
    numbers = [_number(item) for item in parameters.split(";")[:_PARAMETERS_LIMIT]]
    return ControlSequence(kind, parameters, Call(entry[0], entry[1](numbers)))


def _number(item: str) -> int:
    """A parameter's value, 0 when empty; subparameters mean something in SGR alone."""
    digits = item.partition(":")[0]
    return min(int(digits[:6]), NUMBER_LIMIT) if digits else 0


ESCAPE_CALLS: Dict[str, Call] = {
    "7": Call("save_cursor", ()),
    "8": Call("restore_cursor", ()),
    "D": Call("index", ()),
    "E": Call("next_line", ()),
    "H": Call("set_tab_stop", ()),
    "M": Call("reverse_index", ()),
    "N": Call("shift_once", (2,)),
    "O": Call("shift_once", (3,)),
    "n": Call("shift_left", (2,)),
    "o": Call("shift_left", (3,)),
    "|": Call("shift_right", (3,)),
    "}": Call("shift_right", (2,)),
    "~": Call("shift_right", (1,)),
    "#8": Call("alignment_display", ()),
}
"""What follows ESC to a method of `HardenedScreen`; charsets, keypad and reset are the engine's."""

CONTROL_CALLS: Dict[str, Call] = {
    "\x08": Call("backspace", ()),
    "\t": Call("tab", ()),
    "\n": Call("linefeed", ()),
    "\x0b": Call("linefeed", ()),
    "\x0c": Call("linefeed", ()),
    "\r": Call("carriage_return", ()),
    "\x0e": Call("shift_left", (1,)),
    "\x0f": Call("shift_left", (0,)),
}
"""C0 controls to a method of `HardenedScreen`; BEL is the engine's, every other one is dropped (ENQ above all)."""
