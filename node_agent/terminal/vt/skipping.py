"""Skipping output a session is far behind with, only where the screen provably comes out the same.

Theory. At a sync point every cell of the shown screen and the cursor are about to be overwritten whatever they were, so
of the output before it only what is independent of them must be done: pens, modes, margins, titles. Output that binds
state to an unknown place (saved cursors, tab stops, the other screen) cannot be passed over, so nothing after it is a
sync point, save RIS, which forgets all of it. Sync points are:

- RIS;
- ED 2 directly before or after CUP: the screen is blank and the cursor known;
- twice as many plain lines as there are rows, under full margins: all that was shown has scrolled away, and so has
  what was printed over it.

Entering the alternate screen is none: the main screen, which comes back later, would be unknown.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional

from node_agent.terminal.tokenizer import GROUND, Kind, decode_text, split_terminator
from node_agent.terminal.vt import sequences, strings
from node_agent.terminal.vt.modes import SCREEN_MODES
from node_agent.terminal.vt.terminal import Terminal, TokenEnd
from node_agent.terminal.vt.widths import ONLY_NARROW

_CSI = re.compile(r"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")
_CARRIED = frozenset(["m", "h", "l", "?h", "?l", ">m", ">n", "!p", " q", '"q', "r", "t", ">u", "<u", "=u", "?W"])
_BINDING = frozenset(["s", "u", "g", "?s", "?r"])
_MARGINS = frozenset(["r", "!p"])
_BOUND_MODES = SCREEN_MODES | {3, 69, 1048}
_FREE_ESCAPES = frozenset("DEM=>Z\\")
_OSC = re.compile("\x1b\\]([^\x07\x18\x1a\x1b]*)(?:\x07|\x1b\\\\)")
_RESET = "\x1bc"
_BELL = ("\x07",)
_ERASE_DISPLAY = "\x1b[2J"
_ERASE_HISTORY = ("\x1b[3J",)


class _State(NamedTuple):
    """A token that must be done although it is passed over."""

    kind: int
    text: str
    end: int


class _Scan:
    """One reading of the data up to where nothing more can be passed over."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.states: List[_State] = []
        self.sync = -1
        self.last = ""  # the last text before the sync point
        self._text = ""
        self._has_full_margins = not terminal.top and terminal.bottom == terminal.rows - 1 and not terminal.left_right
        self._previous = ""
        self._previous_start = 0

    def read(self, text: str) -> None:
        for found in GROUND.finditer(text):
            kind, token = found.lastindex or 0, found.group()
            if kind == Kind.CSI:
                is_free = self._read_csi(token, found.start(), found.end())
            elif kind == Kind.LINES:
                self._text = token.rstrip("\r\n") or self._text
                if self._has_full_margins and token.count("\r\n") >= 2 * self.terminal.rows:
                    self._sync_at(found.start())
                is_free = True
            elif kind == Kind.ESCAPE:
                is_free = token[1:] in _FREE_ESCAPES or token in ("\x1b(B", "\x1b)B")
                if token in ("\x1b=", "\x1b>"):
                    self.states.append(_State(kind, token, found.end()))
            elif kind == Kind.IRREGULAR:
                is_free = False
            else:
                is_free = token not in ("\x0e", "\x0f")
                if kind == Kind.TEXT:
                    self._text = token
                elif kind == Kind.STRING or token in _BELL:
                    self.states.append(_State(kind, token, found.end()))
            if not is_free:
                return
            self._previous = token
            self._previous_start = found.start()

    def _read_csi(self, token: str, start: int, end: int) -> bool:
        """Note what the sequence carries or offers; False when nothing after it can be relied on."""
        form = _CSI.fullmatch(token)
        if form is None:
            return True
        marker, parameters, intermediates, final = form.groups()
        kind = marker + intermediates + final
        if kind in _BINDING:
            return False
        if kind in ("?h", "?l") and any(item.isdigit() and int(item) in _BOUND_MODES for item in parameters.split(";")):
            return False
        pair = (self._previous, token)
        if _ERASE_DISPLAY in pair and any(map(_is_position, pair)):
            self._sync_at(self._previous_start)
        if kind in _MARGINS:
            self._has_full_margins = False
        if kind in _CARRIED or token in _ERASE_HISTORY:
            self.states.append(_State(Kind.CSI, token, end))
        return True

    def _sync_at(self, start: int) -> None:
        last = decode_text(self._text)[-1:]
        if not last or ONLY_NARROW.fullmatch(last):  # what else REP would repeat is not known from its end alone
            self.sync = start
            self.last = last


def _is_position(token: str) -> bool:
    return token[:2] == "\x1b[" and token[-1] in "Hf"


def skip(terminal: Terminal, data: bytes, offset: int) -> Optional[int]:
    """As `VtEngine.skip_to_sync`; `data` begins at journal offset `offset`."""
    text = data.decode("latin-1")
    terminal.base = offset
    reset = text.rfind(_RESET)  # an ESC ends whatever it is found in, so this is RIS wherever it stands
    if reset >= 0:
        for found in _OSC.finditer(text, 0, reset):
            terminal.token = found
            strings.osc(terminal, found.group(1))
        return reset
    if terminal.translation is not None:
        return None
    scan = _Scan(terminal)
    scan.read(text)
    if scan.sync < 0:
        return None
    for state in scan.states:
        if state.end <= scan.sync:
            _carry(terminal, state)
    terminal.last = scan.last or terminal.last
    return scan.sync


def _carry(terminal: Terminal, state: _State) -> None:
    terminal.token = TokenEnd(state.end)
    if state.kind == Kind.CSI:
        action, argument = sequences.compiled_csi(state.text)
        if action is not sequences.answer:
            action(terminal, argument)
    elif state.kind == Kind.ESCAPE:
        sequences.escape(terminal, state.text)
    elif state.kind == Kind.CONTROL:
        sequences.control(terminal, state.text)
    elif state.text.startswith("\x1b]"):
        strings.osc(terminal, split_terminator(state.text)[0][2:])
