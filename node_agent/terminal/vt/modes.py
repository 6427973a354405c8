"""Modes (SM, RM, DECSET, DECRST, XTSAVE, XTRESTORE), resets and the keyboard protocols.

A DEC private mode is a number in `terminal.modes`; the few that steer printing and movement are attributes besides.
"""

from __future__ import annotations

from typing import FrozenSet, Optional, Tuple

from node_agent.terminal.engine import DEFAULT_PEN
from node_agent.terminal.vt import movement
from node_agent.terminal.vt.terminal import MODES_AT_RESET, Terminal

KEPT_MODES: FrozenSet[int] = frozenset(
    [
        1,  # DECCKM
        5,  # DECSCNM
        6,  # DECOM
        7,  # DECAWM
        9,  # X10 mouse
        12,  # cursor blink
        25,  # DECTCEM
        45,  # reverse wrap
        69,  # DECLRMM
        *(1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016),  # mouse, focus
        *(1034, 1035, 1036, 1039, 1042),  # meta and bell options, kept to be reported
        2004,  # bracketed paste
        2026,  # synchronized output
        2031,  # colour scheme reports
    ]
)
SCREEN_MODES = frozenset([47, 1047, 1049])
_INSERT, _NEWLINE = 4, 20
_MOUSE_PROTOCOLS = frozenset([9, 1000, 1001, 1002, 1003])
_MOUSE_ENCODINGS = frozenset([1005, 1006, 1015, 1016])
KEYBOARD_DEPTH = 32
KEYBOARD_FLAGS = 31
_TITLES_DEPTH = 16


def note_set(terminal: Terminal, mode: int) -> None:
    """DECSET of one mode of `INERT_MODES`."""
    terminal.modes.add(mode)


def note_reset(terminal: Terminal, mode: int) -> None:
    """DECRST of one mode of `INERT_MODES`."""
    terminal.modes.discard(mode)


def set_private(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """DECSET."""
    for mode in modes:
        _change(terminal, mode, True)


def reset_private(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """DECRST."""
    for mode in modes:
        _change(terminal, mode, False)


def _change(terminal: Terminal, mode: int, on: bool) -> None:
    if mode in KEPT_MODES:
        if mode in _MOUSE_PROTOCOLS:
            terminal.modes -= _MOUSE_PROTOCOLS
        elif mode in _MOUSE_ENCODINGS:
            terminal.modes -= _MOUSE_ENCODINGS
        if on:
            terminal.modes.add(mode)
        else:
            terminal.modes.discard(mode)
        effect = _EFFECTS.get(mode)
        if effect is not None:
            effect(terminal, on)
    elif mode in SCREEN_MODES:
        _switch_screen(terminal, mode, on)
    elif mode == 1048:
        if on:
            terminal.save_cursor()
        else:
            terminal.restore_cursor()


def _autowrap(terminal: Terminal, on: bool) -> None:
    terminal.autowrap = on
    if not on:
        terminal.pending = False


def _origin(terminal: Terminal, on: bool) -> None:
    terminal.origin = on
    movement.position(terminal, (0, 0))


def _left_right(terminal: Terminal, on: bool) -> None:
    terminal.left_right = on
    terminal.left = 0
    terminal.right = terminal.columns - 1
    terminal.note_printing_state()


_EFFECTS = {6: _origin, 7: _autowrap, 69: _left_right}
INERT_MODES = KEPT_MODES - _MOUSE_PROTOCOLS - _MOUSE_ENCODINGS - frozenset(_EFFECTS)
"""Modes that are only noted."""


def _switch_screen(terminal: Terminal, mode: int, on: bool) -> None:
    """47, 1047 and 1049 (xterm ctlseqs); the last two leave a blank alternate screen behind, in xterm only 1047."""
    was_alternate = terminal.screen is terminal.alternate
    if on:
        if mode == 1049 and not was_alternate:
            terminal.save_cursor()
        terminal.switch(to_alternate=True)
        if mode == 1049 and not was_alternate:
            terminal.clear_grid()
        return
    if mode != 47 and was_alternate:
        terminal.clear_alternate()
    terminal.switch(to_alternate=False)
    if mode == 1049 and was_alternate:
        terminal.restore_cursor()


def set_ansi(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """SM."""
    _change_ansi(terminal, modes, True)


def reset_ansi(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """RM."""
    _change_ansi(terminal, modes, False)


def _change_ansi(terminal: Terminal, modes: Tuple[int, ...], on: bool) -> None:
    for mode in modes:
        if mode == _INSERT:
            terminal.insert = on
            terminal.note_printing_state()
        elif mode == _NEWLINE:
            terminal.newline = on


def is_set(terminal: Terminal, mode: int, private: bool) -> Optional[bool]:
    """Whether a mode is set; None when it is not known."""
    if not private:
        return {_INSERT: terminal.insert, _NEWLINE: terminal.newline}.get(mode)
    if mode in KEPT_MODES:
        return mode in terminal.modes
    if mode in SCREEN_MODES:
        return terminal.screen is terminal.alternate
    return None


def save_private(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """XTSAVE."""
    for mode in modes:
        on = is_set(terminal, mode, private=True)
        if on is not None:
            terminal.saved_modes[mode] = on


def restore_private(terminal: Terminal, modes: Tuple[int, ...]) -> None:
    """XTRESTORE."""
    for mode in modes:
        on = terminal.saved_modes.get(mode)
        if on is not None:
            _change(terminal, mode, on)


def soft_reset(terminal: Terminal, _: object) -> None:
    """DECSTR (VT510 manual): modes, margins, pen, character sets and the saved cursor, but no text."""
    for mode in (1, 6, 45, 69):
        terminal.modes.discard(mode)
    terminal.modes |= MODES_AT_RESET
    terminal.autowrap = True
    terminal.origin = terminal.insert = terminal.left_right = terminal.keypad = False
    terminal.pending = False
    terminal.reset_margins()
    terminal.set_pen(DEFAULT_PEN)
    terminal.single_shift = None
    terminal.set_charsets(("B", "B", "B", "B", 0, 2))
    terminal.screen.saved = None
    terminal.screen.keyboard = []
    terminal.cursor_style = 0


def full_reset(terminal: Terminal, _: object) -> None:
    """RIS."""
    terminal.reset()


def set_cursor_style(terminal: Terminal, style: int) -> None:
    """DECSCUSR."""
    if style <= 6:
        terminal.cursor_style = style


def push_keyboard(terminal: Terminal, flags: int) -> None:
    """Kitty `CSI > flags u`; the oldest entry goes when the stack is full."""
    keyboard = terminal.screen.keyboard
    keyboard.append(flags & KEYBOARD_FLAGS)
    del keyboard[:-KEYBOARD_DEPTH]


def pop_keyboard(terminal: Terminal, count: int) -> None:
    """Kitty `CSI < count u`."""
    del terminal.screen.keyboard[-count:]


def set_keyboard(terminal: Terminal, request: Tuple[int, int]) -> None:
    """Kitty `CSI = flags ; how u`: 1 sets all flags, 2 adds, 3 takes away."""
    flags, how = request
    keyboard = terminal.screen.keyboard
    current = keyboard.pop() if keyboard else 0
    flags &= KEYBOARD_FLAGS
    keyboard.append(current | flags if how == 2 else current & ~flags if how == 3 else flags)


def set_modify_other_keys(terminal: Terminal, level: int) -> None:
    """XTMODKEYS `CSI > 4 ; level m`."""
    terminal.modify_other_keys = min(level, 2)


def application_keypad(terminal: Terminal, _: object) -> None:
    """DECKPAM."""
    terminal.keypad = True


def numeric_keypad(terminal: Terminal, _: object) -> None:
    """DECKPNM."""
    terminal.keypad = False


def save_cursor(terminal: Terminal, _: object) -> None:
    """DECSC."""
    terminal.save_cursor()


def restore_cursor(terminal: Terminal, _: object) -> None:
    """DECRC, SCORC."""
    terminal.restore_cursor()


def push_title(terminal: Terminal, _: object) -> None:
    """XTWINOPS 22."""
    terminal.titles.append((terminal.title, terminal.icon))
    del terminal.titles[:-_TITLES_DEPTH]
