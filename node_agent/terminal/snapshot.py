"""A terminal's state as ANSI: what brings a reset xterm-like terminal of the same size to it.

It owns the order in which state can be rebuilt, and knows no engine. Rows are printed one after the other, so that the
reader's own scrollback, selection and re-wrapping work; whatever moves the cursor or confines it (margins, origin,
insert mode, character sets) comes after them.
"""

from __future__ import annotations

from typing import Iterable, List, Sequence, Tuple

from node_agent.terminal.checkpoint import DEFAULT_CHARSETS, Charsets, SavedCursor, ScreenState, TerminalState
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Flag, Pen
from node_agent.terminal.packed import WIDE_PAD, PackedRow, unpack_cells
from node_agent.terminal.rows import pen_code

_AUTOWRAP = 7
_CURSOR_VISIBLE = 25
_ORIGIN = 6
_LEFT_RIGHT_MARGINS = 69
_SYNCHRONIZED = 2026
_SCREEN_MODES = frozenset([47, 1047, 1048, 1049])
_BLANK = Cell(" ", DEFAULT_PEN)
_LATE_MODES = frozenset([_ORIGIN, _LEFT_RIGHT_MARGINS, _AUTOWRAP, _CURSOR_VISIBLE, _SYNCHRONIZED])


def snapshot(state: TerminalState, history: int = 0) -> bytes:
    """ANSI for `state`, the last `history` rows above the main screen first.

    Not carried, since no sequence sets them: pushed titles, modes kept by XTSAVE, the character REP would repeat.
    """
    writer = _Writer(state)
    above = state.history[-history:] if history > 0 else []
    writer.print_rows([*above, *state.main.rows])
    if state.active == "alternate":
        writer.leave_main()
        writer.print_rows(state.alternate.rows)
    elif state.alternate.keyboard or state.alternate.saved or any(row.text for row in state.alternate.rows):
        writer.visit_alternate()
    writer.set_state()
    return "".join(writer.parts).encode("utf-8")


class _Writer:
    """Collects the output and knows the pen and link the reading terminal has at this point."""

    def __init__(self, state: TerminalState) -> None:
        self.state = state
        self.parts: List[str] = []
        self.pen: Pen = DEFAULT_PEN

    def print_rows(self, rows: List[PackedRow]) -> None:
        """Print rows from the cursor's on, one that continues in the next so that it wraps by itself."""
        continued = False
        for index, row in enumerate(rows):
            if index and not continued:
                self.parts.append("\r\n")
            least = 1 if continued else 0  # the row above wraps only when something follows
            continued = row.wrapped and index + 1 < len(rows)
            if continued:
                # A wide character wraps where one column is left over.
                is_cut_short = rows[index + 1].text[1:2] in ("\0", ("\0",)) and len(row.text) < self.state.columns
                least = self.state.columns - is_cut_short
            self._print_row(row, least)
        self.set_pen(DEFAULT_PEN)

    def _print_row(self, row: PackedRow, least: int) -> None:
        """Print the columns a row has, and blanks up to `least`."""
        end = 0
        for pen, count in zip(row.runs[::2], row.runs[1::2]):
            self.set_pen(pen)
            start, end = end, end + count
            if isinstance(row.text, str):
                self.parts.append(row.text[start:end].replace(WIDE_PAD, ""))
            else:
                self._print_clusters(row.text, start, end)
        if end < least:
            self.set_pen(DEFAULT_PEN)
            self.parts.append(" " * (least - end))

    def _print_clusters(self, texts: Sequence[str], start: int, end: int) -> None:
        """Print cells of more than one code point, after each of which the column is said outright.

        Terminals disagree on the width of sequences.
        """
        for column in range(start, end):
            text = texts[column]
            if text == WIDE_PAD:
                continue
            self.parts.append(text)
            if len(text) > 1:
                following = column + 1
                while following < len(texts) and texts[following] == WIDE_PAD:
                    following += 1
                if following < self.state.columns:
                    self.parts.append(f"\x1b[{following + 1}G")

    def _print_cell(self, cell: Cell) -> None:
        """Print one cell and leave the cursor to it, so that a wrap stays pending."""
        self.set_pen(cell.pen)
        self.parts.append(cell.text)

    def set_pen(self, pen: Pen) -> None:
        if pen.link != self.pen.link:
            self.parts.append(f"\x1b]8;;{pen.link or ''}\x1b\\")
        if (pen.flags ^ self.pen.flags) & Flag.PROTECTED:
            self.parts.append('\x1b[1"q' if pen.flags & Flag.PROTECTED else '\x1b[0"q')
        code = pen_code(pen)
        if code != pen_code(self.pen):
            self.parts.append(f"\x1b[0;{code}m" if code else "\x1b[m")
        self.pen = pen

    def leave_main(self) -> None:
        """Enter the alternate screen, leaving the main one's saved cursor and keyboard behind."""
        main = self.state.main
        self._keyboard(main)
        if main.saved is None:
            self.parts.append("\x1b[?1047h\x1b[H")
        else:
            self._save_cursor(main, main.saved)
            self.parts.append("\x1b[?1049h")
            self._undo_saved(main.saved)
            self.parts.append("\x1b[2J\x1b[H")  # the pen that was saved has coloured the blank screen

    def visit_alternate(self) -> None:
        """Give the hidden alternate screen what programs rarely leave there."""
        alternate = self.state.alternate
        self.parts.append("\x1b[?47h\x1b[H")
        self.print_rows(alternate.rows)
        self._keyboard(alternate)
        if alternate.saved is not None:
            self._save_cursor(alternate, alternate.saved)
            self._undo_saved(alternate.saved)
        self.parts.append("\x1b[?47l")

    def _save_cursor(self, screen: ScreenState, saved: SavedCursor) -> None:
        place = (saved.row, saved.column, saved.pending_wrap)
        self._place_cursor(place, screen.rows[saved.row])
        if saved.origin:
            # Setting origin mode homes the cursor, so it is placed again; without margins the place is the same.
            self.parts.append("\x1b[?6h")
            self._place_cursor(place, screen.rows[saved.row])
        self._charsets(saved.charsets)
        self.set_pen(saved.pen)
        self.parts.append("\x1b7")

    def _undo_saved(self, saved: SavedCursor) -> None:
        if saved.origin:
            self.parts.append("\x1b[?6l\x1b[H")
        if saved.charsets != DEFAULT_CHARSETS:
            self.parts.append("\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b}")
        self.set_pen(DEFAULT_PEN)

    def _place_cursor(self, cursor: Tuple[int, int, bool], row: PackedRow) -> None:
        line, column, pending = cursor
        self.parts.append(f"\x1b[{line + 1};{column + 1}H")
        if not pending:
            return
        cells = unpack_cells(row)
        cells += [_BLANK] * (self.state.columns - len(cells))
        start = column - 1 if column and not cells[column].text else column
        self.parts.append(f"\x1b[{line + 1};{start + 1}H")
        self._print_cell(cells[start])

    def _charsets(self, charsets: Charsets) -> None:
        for intermediate, final, default in zip("()*+", charsets, DEFAULT_CHARSETS):
            if final != default:
                self.parts.append(f"\x1b{intermediate}{final}")
        self.parts.append(("", "\x0e", "\x1bn", "\x1bo")[charsets[4]])
        self.parts.append(("", "\x1b~", "", "\x1b|")[charsets[5]])

    def _keyboard(self, screen: ScreenState) -> None:
        for flags in screen.keyboard:
            self.parts.append(f"\x1b[>{flags}u")

    def set_state(self) -> None:
        """Everything that is not on a screen, the cursor last."""
        state = self.state
        screen = state.main if state.active == "main" else state.alternate
        self._keyboard(screen)
        if screen.saved is not None:
            self._save_cursor(screen, screen.saved)
            self._undo_saved(screen.saved)
        self._tabs()
        self._titles()
        self._modes()
        row, column, pending, style = state.cursor
        self._margins()
        self._position((row, column, pending), screen.rows[row])
        self._charsets(state.charsets)
        self.set_pen(state.pen)
        if style:
            self.parts.append(f"\x1b[{style} q")
        for mode in (4, 20):
            if mode in state.ansi_modes:
                self.parts.append(f"\x1b[{mode}h")
        for mode in (_AUTOWRAP, _CURSOR_VISIBLE):  # the two that are set after a reset
            if mode not in state.modes:
                self.parts.append(f"\x1b[?{mode}l")
        if _SYNCHRONIZED in state.modes:
            self.parts.append(f"\x1b[?{_SYNCHRONIZED}h")

    def _position(self, cursor: Tuple[int, int, bool], row: PackedRow) -> None:
        """Place the cursor under the margins and origin mode in force."""
        state = self.state
        line, column, pending = cursor
        if _ORIGIN in state.modes:
            top, _, left, _ = state.margins
            self.parts.append("\x1b[?6h")
            self.parts.append(f"\x1b[{line - top + 1};{column - left + 1}H")
            if pending:
                self._reprint(column, row)
        else:
            self._place_cursor(cursor, row)

    def _reprint(self, column: int, row: PackedRow) -> None:
        """Print the cell under the cursor again, which leaves a wrap pending."""
        cells = unpack_cells(row)
        cell = cells[column] if column < len(cells) else _BLANK
        if not cell.text:
            self.parts.append("\b")
            cell = cells[column - 1]
        self._print_cell(cell)

    def _tabs(self) -> None:
        tabs = self.state.tabs
        if tabs != list(range(8, self.state.columns, 8)):
            self.parts.append("\x1b[3g")
            self.parts += [f"\x1b[{tab + 1}G\x1bH" for tab in tabs if tab < self.state.columns]

    def _titles(self) -> None:
        state = self.state
        for code, text in ((1, state.icon), (2, state.title), (7, state.cwd)):
            if text:
                self.parts.append(f"\x1b]{code};{text}\x1b\\")

    def _modes(self) -> None:
        state = self.state
        plain = sorted(state.modes - _LATE_MODES - _SCREEN_MODES)
        if plain:
            self.parts.append(f"\x1b[?{_joined(plain)}h")
        if state.keypad:
            self.parts.append("\x1b=")
        if state.modify_other_keys:
            self.parts.append(f"\x1b[>4;{state.modify_other_keys}m")

    def _margins(self) -> None:
        state = self.state
        top, bottom, left, right = state.margins
        if (top, bottom) != (0, state.rows - 1):
            self.parts.append(f"\x1b[{top + 1};{bottom + 1}r")
        if _LEFT_RIGHT_MARGINS in state.modes:
            self.parts.append(f"\x1b[?69h\x1b[{left + 1};{right + 1}s")


def _joined(numbers: Iterable[int]) -> str:
    return ";".join(map(str, numbers))
