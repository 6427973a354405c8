"""Modes, keyboard and resets of the `pyte` engine, what its answers are made of, and its state as a checkpoint's."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from pyte.screens import Margins

from node_agent.terminal.checkpoint import ScreenState, TerminalState
from node_agent.terminal.engine import DEFAULT_PEN, EventKind, Flag, Modes, Pen
from node_agent.terminal.packed import PackedRow, unpack_cells
from node_agent.terminal.pyte_cursor import AUTOWRAP, DEFAULT_MODES, ORIGIN, Row, Side
from node_agent.terminal.pyte_screen import INSERT, NEWLINE, HardenedScreen
from node_agent.terminal.pyte_strings import Announcements, Emit

_MOUSE_PROTOCOLS = frozenset([9, 1000, 1001, 1002, 1003])
_MOUSE_ENCODINGS = frozenset([1005, 1006, 1015, 1016])
_SCREENS = frozenset([47, 1047, 1049])
_SAVE_CURSOR = 1048
KEPT_MODES = _MOUSE_PROTOCOLS | _MOUSE_ENCODINGS | {1, 5, ORIGIN, AUTOWRAP, 12, 25, 1004, 1007, 2004, 2026, 2031}
KEPT_MODES |= {1034, 1035, 1036, 1039, 1042}
"""DEC private modes with an effect here or for those who ask (xterm ctlseqs, DECSET)."""

_KEYBOARD_DEPTH = 32
_KEYBOARD_FLAGS = 31


class PyteState:
    """Everything of the engine that is neither cells, cursor nor history. Implements `queries.QueryView`."""

    def __init__(self, screen: HardenedScreen, emit: Emit) -> None:
        self._screen = screen
        self._emit = emit
        self.columns, self.rows = screen.columns, screen.lines
        self.announcements = Announcements(emit)
        self._reset_keys()

    def _reset_keys(self) -> None:
        self.keypad = False
        self.modify_other_keys = 0
        self.cursor_style = 0
        self.saved_modes: Dict[int, bool] = {}

    # resets

    def reset(self) -> None:
        """RIS: everything but history, title and directory."""
        self._show(False)
        self._screen.reset()
        self._reset_keys()
        self.announcements.titles = []

    def soft_reset(self) -> None:
        """DECSTR (VT510 manual)."""
        screen = self._screen
        screen.mode = screen.mode - {1, ORIGIN} | DEFAULT_MODES
        screen.ansi_mode.discard(INSERT)
        screen.margins = None
        screen.pending_wrap = False
        screen.charsets = ("B", "B", "B", "B", 0, 2)
        screen.single_shift = None
        screen.side.saved = None
        screen.side.keyboard = []
        screen.set_pen(DEFAULT_PEN)
        self.keypad = False
        self.cursor_style = 0

    # modes

    def change_modes(self, numbers: List[int], on: bool, private: bool) -> None:
        """SM, RM, DECSET, DECRST."""
        for number in numbers:
            if private:
                self._change_private(number, on)
            elif number in (INSERT, NEWLINE):
                self._screen.ansi_mode = self._screen.ansi_mode - {number} | ({number} if on else set())

    def _change_private(self, number: int, on: bool) -> None:
        screen = self._screen
        if number in _SCREENS:
            self._switch(number, on)
        elif number == _SAVE_CURSOR:
            (screen.save_cursor if on else screen.restore_cursor)()
        elif number in KEPT_MODES:
            group = next((item for item in (_MOUSE_PROTOCOLS, _MOUSE_ENCODINGS) if number in item), frozenset([number]))
            screen.mode = screen.mode - group | ({number} if on else set())
            if number == ORIGIN:
                screen.cursor_position()
            elif number == AUTOWRAP and not on:
                screen.pending_wrap = False

    def _switch(self, number: int, on: bool) -> None:
        """47, 1047 and 1049 (xterm ctlseqs); the last two leave a blank alternate screen behind, in xterm only 1047."""
        screen = self._screen
        if on == screen.is_alternate:
            return
        if number == 1049 and on:
            screen.save_cursor()
        self._show(on)
        if number != 47 and not on:
            screen.alternate.rows = [Row() for _ in range(self.rows)]
            screen.alternate.saved = None
        if number == 1049:
            (screen.clear_rows if on else screen.restore_cursor)()

    def _show(self, alternate: bool) -> None:
        screen = self._screen
        if alternate != screen.is_alternate:
            screen.show(screen.alternate if alternate else screen.main)
            self._emit(EventKind.ALTERNATE_SCREEN, "on" if alternate else "off")

    def save_modes(self, numbers: List[int]) -> None:
        """XTSAVE."""
        for number in numbers:
            on = self.report_mode(number, private=True)
            if on is not None:
                self.saved_modes[number] = on

    def restore_modes(self, numbers: List[int]) -> None:
        """XTRESTORE."""
        for number in numbers:
            if number in self.saved_modes:
                self._change_private(number, self.saved_modes[number])

    def save_cursor_if_plain(self, numbers: List[int]) -> None:
        """SCOSC; with parameters it would set left and right margins, which are not kept here."""
        if not any(numbers):
            self._screen.save_cursor()

    def set_cursor_style(self, style: int) -> None:
        """DECSCUSR."""
        if style <= 6:
            self.cursor_style = style

    def protect(self, which: int) -> None:
        """DECSCA."""
        pen = self._screen.pen
        if which <= 2:
            flags = pen.flags | Flag.PROTECTED if which == 1 else pen.flags & ~Flag.PROTECTED
            self._screen.set_pen(pen._replace(flags=int(flags)))

    def change_title_stack(self, which: int) -> None:
        """XTWINOPS 22 and 23; the window is the operator's, so the rest is ignored."""
        if which == 22:
            self.announcements.push_title()
        elif which == 23:
            self.announcements.pop_title()

    # keyboard

    def modify_keys(self, numbers: List[int]) -> None:
        """XTMODKEYS `CSI > 4 ; level m`."""
        if numbers[0] == 4 or numbers == [0]:
            self.modify_other_keys = min(numbers[1], 2) if len(numbers) > 1 else 0

    def stop_modifying_keys(self, which: int) -> None:
        """XTMODKEYS `CSI > 4 n`."""
        if which == 4:
            self.modify_other_keys = 0

    def push_keyboard(self, flags: int) -> None:
        """Kitty `CSI > flags u`; the oldest goes when too many are pushed."""
        side = self._screen.side
        side.keyboard = [*side.keyboard, flags & _KEYBOARD_FLAGS][-_KEYBOARD_DEPTH:]

    def pop_keyboard(self, count: int) -> None:
        """Kitty `CSI < count u`."""
        del self._screen.side.keyboard[-count:]

    def set_keyboard(self, flags: int, how: int) -> None:
        """Kitty `CSI = flags ; how u`: 1 sets all flags, 2 adds, 3 takes away."""
        keyboard = self._screen.side.keyboard
        current = keyboard.pop() if keyboard else 0
        flags &= _KEYBOARD_FLAGS
        keyboard.append(current | flags if how == 2 else current & ~flags if how == 3 else flags)

    # what others ask

    def modes(self) -> Modes:
        """The modes that matter outside the engine."""
        mode = self._screen.mode
        return Modes(
            application_cursor=1 in mode,
            application_keypad=self.keypad,
            bracketed_paste=2004 in mode,
            focus_events=1004 in mode,
            mouse=max(mode & {9, 1000, 1002, 1003}, default=0),
            mouse_sgr=1006 in mode,
            alternate_screen=self._screen.is_alternate,
            synchronized=2026 in mode,
            kitty_flags=self.report_keyboard[0],
            modify_other_keys=self.modify_other_keys,
            newline=NEWLINE in self._screen.ansi_mode,
            reverse_screen=5 in mode,
        )

    @property
    def report_position(self) -> Tuple[int, int]:
        """Row and column from 1, in origin mode from the margins."""
        screen = self._screen
        first = screen.span[0] if ORIGIN in screen.mode else 0
        return screen.y - first + 1, screen.x + 1

    @property
    def report_margins(self) -> Tuple[int, int, int, int]:
        """Top, bottom, left, right from 0."""
        return (*self._screen.span, 0, self.columns - 1)

    @property
    def report_pen(self) -> Pen:
        """The pen in force."""
        return self._screen.pen

    @property
    def report_style(self) -> int:
        """The DECSCUSR parameter."""
        return self.cursor_style

    @property
    def report_keyboard(self) -> Tuple[int, int]:
        """Kitty flags of the active screen and the modifyOtherKeys level."""
        keyboard = self._screen.side.keyboard
        return keyboard[-1] if keyboard else 0, self.modify_other_keys

    def report_mode(self, mode: int, private: bool) -> Optional[bool]:
        """Whether a mode is set; None when it is not known."""
        if not private:
            return mode in self._screen.ansi_mode if mode in (INSERT, NEWLINE) else None
        if mode in _SCREENS:
            return self._screen.is_alternate
        return mode in self._screen.mode if mode in KEPT_MODES else None

    # checkpoints

    def dump(self) -> TerminalState:
        """The state but for history and offset, which are the engine's."""
        screen = self._screen
        return TerminalState(
            columns=self.columns,
            rows=self.rows,
            main=self._dump_side(screen.main),
            alternate=self._dump_side(screen.alternate),
            tabs=sorted(screen.tabstops),
            margins=self.report_margins,
            active="alternate" if screen.is_alternate else "main",
            cursor=(screen.y, screen.x, screen.pending_wrap, self.cursor_style),
            pen=screen.pen,
            charsets=screen.charsets,
            modes=set(screen.mode),
            ansi_modes=set(screen.ansi_mode),
            saved_modes=dict(self.saved_modes),
            keypad=self.keypad,
            modify_other_keys=self.modify_other_keys,
            title=self.announcements.title,
            icon=self.announcements.icon,
            cwd=self.announcements.cwd,
            titles=list(self.announcements.titles),
            last=screen.last,
        )

    def _dump_side(self, side: Side) -> ScreenState:
        rows = [row.packed(self.columns) for row in side.rows]
        return ScreenState(rows, side.saved, list(side.keyboard))

    def load(self, state: TerminalState) -> None:
        """Take over a state of this size; what only the other engine knows is dropped."""
        screen = self._screen
        for side, saved in ((screen.main, state.main), (screen.alternate, state.alternate)):
            side.rows = [_load_row(row) for row in saved.rows]
            side.saved = saved.saved
            side.keyboard = list(saved.keyboard)
        screen.show(screen.alternate if state.active == "alternate" else screen.main)
        screen.mode = state.modes & KEPT_MODES
        screen.ansi_mode = state.ansi_modes & {INSERT, NEWLINE}
        top, bottom = state.margins[:2]
        screen.margins = None if (top, bottom) == (0, self.rows - 1) else Margins(top, bottom)
        screen.tabstops = set(state.tabs)
        screen.y, screen.x, screen.pending_wrap, self.cursor_style = state.cursor
        screen.set_pen(state.pen)
        screen.charsets = state.charsets
        screen.last = state.last
        self.saved_modes = dict(state.saved_modes)
        self.keypad = state.keypad
        self.modify_other_keys = state.modify_other_keys
        told = self.announcements
        told.title, told.icon, told.cwd, told.titles = state.title, state.icon, state.cwd, list(state.titles)


def _load_row(packed: PackedRow) -> Row:
    row = Row()
    row.update(enumerate(unpack_cells(packed)))
    row.wrapped = packed.wrapped
    return row
