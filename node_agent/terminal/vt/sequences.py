"""Control and escape sequences as functions: which one a sequence calls, and with what argument.

A whole sequence is compiled once into a function and its argument and found again by its text. The argument is what
the function needs and no more: a count of at least 1, a selector from 0, a place, a tuple of modes.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Tuple

from node_agent.terminal import queries
from node_agent.terminal.engine import EventKind
from node_agent.terminal.vt import editing, modes, movement, printing, strings
from node_agent.terminal.vt.charsets import translation
from node_agent.terminal.vt.report import Report
from node_agent.terminal.vt.terminal import Terminal

Action = Callable[[Terminal, Any], None]
Compiled = Tuple[Action, Any]
Parameters = List[int]

COMPILED: Dict[str, Compiled] = {}
"""Every sequence met lately by any session: what it means does not depend on where."""

COMPILED_LIMIT = 16384
NUMBER_LIMIT = 65535
PARAMETERS_LIMIT = 64

_FORM = re.compile(r"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")


def ignore(_: Terminal, __: object) -> None:
    """A sequence that means nothing here."""


def answer(terminal: Terminal, sequence: str) -> None:
    """A sequence that may be a question."""
    reply = queries.answer_csi(sequence, Report(terminal), terminal.options)
    terminal.replies.add(reply, terminal.offset)


def select_pen(terminal: Terminal, sequence: str) -> None:
    """SGR."""
    terminal.brush = terminal.brush[sequence]


def _count(parameters: Parameters) -> int:
    return parameters[0] or 1


def _selector(parameters: Parameters) -> int:
    return parameters[0]


def _from_zero(parameters: Parameters) -> int:
    return (parameters[0] or 1) - 1


def _place(parameters: Parameters) -> Tuple[int, int]:
    column = parameters[1] if len(parameters) > 1 else 0
    return (parameters[0] or 1) - 1, (column or 1) - 1


def _margins(parameters: Parameters) -> Tuple[int, int]:
    last = parameters[1] if len(parameters) > 1 else 0
    return (parameters[0] or 1) - 1, last - 1


def _all(parameters: Parameters) -> Tuple[int, ...]:
    return tuple(parameters)


def _flags_and_how(parameters: Parameters) -> Tuple[int, int]:
    return parameters[0], parameters[1] if len(parameters) > 1 else 1


def _modify_keys(terminal: Terminal, parameters: Parameters) -> None:
    if parameters[0] == 4:
        modes.set_modify_other_keys(terminal, parameters[1] if len(parameters) > 1 else 0)
    elif parameters == [0]:
        modes.set_modify_other_keys(terminal, 0)


def _disable_modify_keys(terminal: Terminal, which: int) -> None:
    if which == 4:
        modes.set_modify_other_keys(terminal, 0)


def _window(terminal: Terminal, parameters: Parameters) -> None:
    """XTWINOPS: the title stack; sizes are answered elsewhere, everything else is the operator's."""
    if parameters[0] == 22:
        modes.push_title(terminal, None)
    elif parameters[0] == 23:
        strings.pop_title(terminal, None)


_CSI: Dict[str, Tuple[Action, Callable[[Parameters], Any]]] = {
    "@": (editing.insert_characters, _count),
    " @": (editing.scroll_left, _count),
    "A": (movement.up, _count),
    " A": (editing.scroll_right, _count),
    "B": (movement.down, _count),
    "C": (movement.forward, _count),
    "D": (movement.back, _count),
    "E": (movement.next_line, _count),
    "F": (movement.previous_line, _count),
    "G": (movement.to_column, _from_zero),
    "H": (movement.position, _place),
    "I": (movement.tab, _count),
    "J": (editing.erase_in_display, _selector),
    "?J": (editing.erase_unprotected_in_display, _selector),
    "K": (editing.erase_in_line, _selector),
    "?K": (editing.erase_unprotected_in_line, _selector),
    "L": (editing.insert_lines, _count),
    "M": (editing.delete_lines, _count),
    "P": (editing.delete_characters, _count),
    "S": (editing.scroll_up, _count),
    "T": (editing.scroll_down, _count),
    "?W": (movement.regular_tabs, _selector),
    "X": (editing.erase_characters, _count),
    "Z": (movement.back_tab, _count),
    "^": (editing.scroll_down, _count),
    "`": (movement.to_column, _from_zero),
    "a": (movement.column_forward, _count),
    "b": (printing.repeat, _count),
    "d": (movement.to_row, _from_zero),
    "e": (movement.row_forward, _count),
    "f": (movement.position, _place),
    "g": (movement.clear_tabs, _selector),
    "h": (modes.set_ansi, _all),
    "?h": (modes.set_private, _all),
    "j": (movement.back, _count),
    "k": (movement.row_back, _count),
    "l": (modes.reset_ansi, _all),
    "?l": (modes.reset_private, _all),
    ">m": (_modify_keys, list),
    ">n": (_disable_modify_keys, _selector),
    "!p": (modes.soft_reset, _selector),
    " q": (modes.set_cursor_style, _selector),
    '"q': (editing.protect, _selector),
    "r": (movement.set_top_bottom, _margins),
    "?r": (modes.restore_private, _all),
    "s": (movement.set_left_right, _margins),
    "?s": (modes.save_private, _all),
    "t": (_window, list),
    "u": (modes.restore_cursor, _selector),
    ">u": (modes.push_keyboard, _selector),
    "<u": (modes.pop_keyboard, _count),
    "=u": (modes.set_keyboard, _flags_and_how),
    "'}": (editing.insert_columns, _count),
    "'~": (editing.delete_columns, _count),
}
_QUESTIONS = frozenset(["c", ">c", "=c", ">q", "n", "?n", "$p", "?$p", "?u", "?m"])
_SIZE_QUESTIONS = ([18], [19])


def compiled_csi(sequence: str) -> Compiled:
    """What `sequence` does, looked up where it has been met before."""
    known = COMPILED.get(sequence)
    if known is None:
        if len(COMPILED) >= COMPILED_LIMIT:
            COMPILED.clear()
        known = COMPILED[sequence] = _compile(sequence)
    return known


def _compile(sequence: str) -> Compiled:
    found = _FORM.fullmatch(sequence)
    if found is None:
        return ignore, None
    marker, text, intermediates, final = found.groups()
    kind = marker + intermediates + final
    if kind == "m":
        return select_pen, sequence
    if kind in _QUESTIONS:
        return answer, sequence
    entry = _CSI.get(kind)
    if entry is None:
        return ignore, None
    parameters = [_number(item) for item in text.split(";")[:PARAMETERS_LIMIT]]
    if kind == "t" and parameters in _SIZE_QUESTIONS:
        return answer, sequence
    action, argument = entry
    if kind == "K" and parameters == [0]:
        return editing.erase_to_end, None
    if kind in ("?h", "?l") and len(parameters) == 1 and parameters[0] in modes.INERT_MODES:
        return (modes.note_set if kind == "?h" else modes.note_reset), parameters[0]
    return action, argument(parameters)


def _number(item: str) -> int:
    """A parameter's value; subparameters mean something in SGR alone."""
    item = item.partition(":")[0]
    return min(int(item), NUMBER_LIMIT) if 0 < len(item) < 20 else NUMBER_LIMIT if item else 0


def _index(terminal: Terminal, _: object) -> None:
    terminal.index()


def _reverse_index(terminal: Terminal, _: object) -> None:
    terminal.reverse_index()


def _identify(terminal: Terminal, _: object) -> None:
    answer(terminal, "\x1b[c")


def _invoke_left(terminal: Terminal, number: int) -> None:
    g0, g1, g2, g3, _, right = terminal.charsets
    terminal.set_charsets((g0, g1, g2, g3, number, right))


def _invoke_right(terminal: Terminal, number: int) -> None:
    g0, g1, g2, g3, left, _ = terminal.charsets
    terminal.set_charsets((g0, g1, g2, g3, left, number))


def _single_shift(terminal: Terminal, number: int) -> None:
    finals = terminal.charsets[:4]
    terminal.single_shift = translation(finals[number]) or {}
    terminal.note_printing_state()


_ESCAPES: Dict[str, Compiled] = {
    "6": (editing.back_index, None),
    "7": (modes.save_cursor, None),
    "8": (modes.restore_cursor, None),
    "9": (editing.forward_index, None),
    "=": (modes.application_keypad, None),
    ">": (modes.numeric_keypad, None),
    "D": (_index, None),
    "E": (movement.start_next_line, None),
    "H": (movement.set_tab, None),
    "M": (_reverse_index, None),
    "N": (_single_shift, 2),
    "O": (_single_shift, 3),
    "Z": (_identify, None),
    "c": (modes.full_reset, None),
    "n": (_invoke_left, 2),
    "o": (_invoke_left, 3),
    "|": (_invoke_right, 3),
    "}": (_invoke_right, 2),
    "~": (_invoke_right, 1),
    "#8": (editing.fill_with_e, None),
}


def escape(terminal: Terminal, sequence: str) -> None:
    """Do what an ESCAPE token says."""
    body = sequence[1:]
    compiled = _ESCAPES.get(body)
    if compiled is not None:
        compiled[0](terminal, compiled[1])
    elif len(body) == 2 and body[0] in "()*+":
        charsets = list(terminal.charsets)
        charsets["()*+".index(body[0])] = body[1]
        terminal.set_charsets(tuple(charsets))  # type: ignore[arg-type]  # six items, as they came


def line_feed(terminal: Terminal, _: object) -> None:
    """LF, VT, FF."""
    terminal.index()
    if terminal.newline:
        movement.carriage_return(terminal, None)


def _bell(terminal: Terminal, _: object) -> None:
    terminal.emit(EventKind.BELL)


_CONTROLS: Dict[str, Compiled] = {
    "\x07": (_bell, None),
    "\x08": (movement.backspace, None),
    "\t": (movement.tab, 1),
    "\n": (line_feed, None),
    "\x0b": (line_feed, None),
    "\x0c": (line_feed, None),
    "\r": (movement.carriage_return, None),
    "\x0e": (_invoke_left, 1),
    "\x0f": (_invoke_left, 0),
}


def control(terminal: Terminal, character: str) -> None:
    """Do what a C0 control says."""
    compiled = _CONTROLS.get(character)
    if compiled is not None:
        compiled[0](terminal, compiled[1])


def string(terminal: Terminal, text: str, terminator: str) -> None:
    """Do what a STRING token says."""
    if text.startswith("\x1b]"):
        strings.osc(terminal, text[2:])
    if text[1] in "]P":
        reply = queries.answer_string(text, terminator, Report(terminal), terminal.options)
        terminal.replies.add(reply, terminal.offset)
