"""Turns a mouse action into the report a program asked for (xterm ctlseqs, "Mouse Tracking")."""

from __future__ import annotations

from typing import FrozenSet, NamedTuple

from node_agent.terminal.engine import Modes

BUTTONS = {"left": 0, "middle": 1, "right": 2, "none": 3, "wheel_up": 64, "wheel_down": 65}

_X10 = 9
_PRESSES = 1000
_DRAGS = 1002
_MODIFIER_BITS = {"shift": 4, "alt": 8, "ctrl": 16}
_LEGACY_LIMIT = 223  # a coordinate is one byte of 32 + 1-based position


class MouseAction(NamedTuple):
    """One action; `button` a name of `BUTTONS` ("none" for a move without one), row and column from 0."""

    button: str
    row: int
    column: int
    is_release: bool = False
    is_motion: bool = False
    modifiers: FrozenSet[str] = frozenset()


def encode_mouse(action: MouseAction, modes: Modes) -> bytes:
    """Return the report for `action`, or nothing where the program's modes do not ask for it."""
    if not modes.mouse or (action.is_motion and not _wants_motion(action, modes.mouse)):
        return b""
    is_wheel = action.button.startswith("wheel")
    if action.is_release and (is_wheel or modes.mouse == _X10):
        return b""
    code = BUTTONS[action.button]
    if modes.mouse != _X10:
        code += sum(_MODIFIER_BITS[name] for name in action.modifiers)
    if action.is_motion:
        code += 32
    column, row = action.column + 1, action.row + 1
    if modes.mouse_sgr:
        return f"\x1b[<{code};{column};{row}{'m' if action.is_release else 'M'}".encode()
    if max(row, column) > _LEGACY_LIMIT:
        return b""
    if action.is_release:
        code |= 3
    return b"\x1b[M" + bytes((32 + code, 32 + column, 32 + row))


def _wants_motion(action: MouseAction, mode: int) -> bool:
    if mode in (_X10, _PRESSES):
        return False
    return mode != _DRAGS or action.button != "none"
