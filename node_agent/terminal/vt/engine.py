"""The `vt` engine: bytes in, and a `Terminal` behind the interface of `node_agent.terminal.engine`.

It owns the loop over tokens and the quick ways for what most output is made of. `GROUND` is the tokenizer's pattern
with shortcuts: text with its line end, and an SGR or a movement with the text after it, are one token.
"""

from __future__ import annotations

import re
from typing import Dict, List, Match, Optional, Sequence

from node_agent.terminal.checkpoint import TerminalState, dump
from node_agent.terminal.engine import Cell, Checkpoint, Cursor, EngineOptions, Event, Line, Modes, Pen, Reply
from node_agent.terminal.packed import WIDE_PAD, packed_text, unpack_cells
from node_agent.terminal.rows import Span, pen_code, row_spans
from node_agent.terminal.snapshot import snapshot
from node_agent.terminal.tokenizer import HalfRead, Kind, cut_character, settled_offset, split_terminator
from node_agent.terminal.vt import layout, lines, movement, printing, resizing, sequences, skipping, state
from node_agent.terminal.vt.pens import CellsOf
from node_agent.terminal.vt.row import CELLS, SHARED
from node_agent.terminal.vt.terminal import NO_TOKEN, Terminal, TokenEnd

GROUND = re.compile(
    "(\x1b\\[[0-9;:]{0,128}m)([ -~\x80-\xff]*)"
    "|(\x1b\\[[0-9;]{0,32}[A-HKX`d])([ -~\x80-\xff]*)"
    "|((?=[ -~\t]|\r\r?\n\r)(?:(?:[ -~\t]*\r\n){4,}|(?:[ -~\t]*\r\r\n){4,}))"
    "|([ -~\x80-\xff]+)(\r\n|\t[ -~\t]*)?"
    "|(\x1b\\[[0-?]{0,128}[ -/]{0,8}[@-~])"
    "|(\r\n)"
    "|(\n)"
    "|(\t[ -~\t]*)"
    "|([\x00-\x1a\x1c-\x1f\x7f])"
    "|(\x1b[ -/]{0,8}[0-OQ-WYZ`-~])"
    "|(\x1b[\\]PX^_][^\x07\x18\x1a\x1b]{0,4096}(?:\x07|\x1b\\\\))"
    "|(\x1b)"
)
_STYLED, _MOVED, _LINES, _TEXT, _TEXT_AND_MORE, _CSI = 2, 4, 5, 6, 7, 8
_NEWLINE, _LINE_FEED, _TABBED, _CONTROL, _ESCAPE, _STRING, _IRREGULAR = 9, 10, 11, 12, 13, 14, 15

CELL_PENS_LIMIT = 256


class VtEngine:
    """A terminal of `columns` x `rows`; implements `Engine`."""

    name = "vt"

    def __init__(self, columns: int, rows: int, options: Optional[EngineOptions] = None, offset: int = 0) -> None:
        self._terminal = Terminal(max(1, columns), max(1, rows), options or EngineOptions())
        self._half_read = HalfRead()
        self._held = b""
        self._cells: Dict[Pen, CellsOf] = {}
        self._stamp = 0
        self.offset = offset

    @classmethod
    def restore(cls, state_: TerminalState, options: Optional[EngineOptions] = None) -> VtEngine:
        """An engine in this state."""
        engine = cls(state_.columns, state_.rows, options, state_.offset)
        state.restore(engine._terminal, state_)
        return engine

    @property
    def columns(self) -> int:
        return self._terminal.columns

    @property
    def rows(self) -> int:
        return self._terminal.rows

    @property
    def title(self) -> str:
        return self._terminal.title

    @property
    def icon(self) -> str:
        return self._terminal.icon

    @property
    def cwd(self) -> str:
        return self._terminal.cwd

    # input

    def feed(self, data: bytes) -> None:
        """Interpret `data` and advance `offset` by its length."""
        if self._held:
            data = self._held + data
            base = self.offset - len(self._held)
        else:
            base = self.offset
        self.offset = base + len(data)
        cut = cut_character(data)
        self._held = data[len(data) - cut :] if cut else b""
        text = (data[:-cut] if cut else data).decode("latin-1")
        self._terminal.base = base
        position = 0
        while position < len(text):
            if not self._half_read.is_open:
                position = self._run(text, position)
            if position < len(text):
                position = self._read_irregular(text, position)
        self._terminal.token = NO_TOKEN

    def _read_irregular(self, text: str, position: int) -> int:
        """Hand on what the pattern does not match, up to where it does again."""
        terminal = self._terminal
        position, tokens = self._half_read.read(text, position)
        for kind, token, end, terminator in tokens:
            terminal.token = TokenEnd(end)
            if kind is Kind.CSI:
                action, argument = sequences.compiled_csi(token)
                action(terminal, argument)
            elif kind is Kind.CONTROL:
                sequences.control(terminal, token)
            elif kind is Kind.ESCAPE:
                sequences.escape(terminal, token)
            else:
                sequences.string(terminal, token, terminator)
        return position

    def _run(self, text: str, start: int) -> int:
        """Interpret whole tokens from `start`; returns where the first one is that needs the machine."""
        terminal = self._terminal
        compiled = sequences.COMPILED
        layouts = layout.KNOWN
        is_ascii = text.isascii()
        for found in GROUND.finditer(text, start):
            kind = found.lastindex
            if kind == _STYLED:
                terminal.brush = terminal.brush[found[1]]
                run = found[2]
                if not run:
                    continue
            elif kind == _MOVED:
                sequence = found[3]
                action, argument = compiled.get(sequence) or sequences.compiled_csi(sequence)
                action(terminal, argument)
                run = found[4]
                if not run:
                    continue
            elif kind == _TEXT:
                run = found[0]
            elif kind == _CSI:
                sequence = found[0]
                action, argument = compiled.get(sequence) or sequences.compiled_csi(sequence)
                terminal.token = found
                action(terminal, argument)
                continue
            elif kind == _NEWLINE:
                movement.start_next_line(terminal, None)
                continue
            elif kind == _IRREGULAR:
                return found.start()
            else:
                self._do(kind, found)
                continue
            if not (is_ascii or run.isascii()):
                known = layouts.get(run) or layout.layout_of(run)
                if not known.is_narrow:
                    printing.print_layout(terminal, known)
                    continue
                run = known.text
            # one column a character, ending before the edge: most of all output, so done here
            x = terminal.x
            stop = x + len(run)
            if stop < terminal.quick_stop:
                row = terminal.grid[terminal.y]
                length = row.length
                if length == x:
                    runs = row.runs
                    runs.append(run)
                    runs.append(terminal.brush.pen)
                    row.length = stop
                elif 0 <= length < x and row.rest is None:  # after a gap
                    pen = terminal.brush.pen
                    if pen is row.fill:
                        row.runs += (" " * (x - length) + run, pen)
                    else:
                        row.runs += (" " * (x - length), row.fill, run, pen)
                    row.length = stop
                elif length == CELLS and not row.wide:
                    row.texts[x:stop] = run
                    row.pens[x:stop] = [terminal.brush.pen] * (stop - x)
                else:
                    if length == SHARED:
                        row = terminal.grid[terminal.y] = row.owned()
                    row.write(x, run, terminal.brush.pen, terminal.columns)
                row.stamp = 0
                terminal.x = stop
                terminal.last = run
            else:
                printing.print_text(terminal, run)
        return len(text)

    def _do(self, kind: Optional[int], found: Match[str]) -> None:
        """Interpret a token of one of the rarer kinds."""
        terminal = self._terminal
        if kind == _LINES:
            lines.print_lines(terminal, found[0])
        elif kind == _TEXT_AND_MORE:
            run, more = found.group(6, 7)
            if not run.isascii():
                printing.print_layout(terminal, layout.KNOWN.get(run) or layout.layout_of(run))
            elif more != "\r\n":
                more = run + more
            else:
                printing.print_text(terminal, run)
            if more == "\r\n":
                movement.start_next_line(terminal, None)
            else:
                printing.print_tabbed(terminal, more)
        elif kind == _LINE_FEED:
            sequences.line_feed(terminal, None)
        elif kind == _TABBED:
            printing.print_tabbed(terminal, found[0])
        else:
            terminal.token = found
            if kind == _CONTROL:
                sequences.control(terminal, found[0])
            elif kind == _ESCAPE:
                sequences.escape(terminal, found[0])
            else:
                sequences.string(terminal, *split_terminator(found[0]))

    def skip_to_sync(self, data: bytes) -> Optional[int]:
        """Where in `data`, the next bytes to feed, emulation may go on so that the screen comes out the same.

        None when no such place is provable. Otherwise the state that reaches across the gap has been brought up to
        that place, whose offset is now `offset`, and `data` from there on is to be fed. Rows in between never reach
        history, and queries in between are not answered.
        """
        if not self.at_boundary:
            return None
        place = skipping.skip(self._terminal, data, self.offset)
        if place is not None:
            self.offset += place
        return place

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the main screen's wrapped lines flow into the new width."""
        columns, rows = max(1, columns), max(1, rows)
        if (columns, rows) != (self.columns, self.rows):
            resizing.resize(self._terminal, columns, rows)

    # output

    @property
    def at_boundary(self) -> bool:
        return not self._held and not self._half_read.is_open and self._terminal.single_shift is None

    @property
    def settled_offset(self) -> Optional[int]:
        """The offset up to which the screen shows all output; None while there is none."""
        if self._terminal.single_shift is not None:
            return None
        return settled_offset(self.offset, self._held, self._half_read)

    def stamps(self) -> Sequence[int]:
        """One number a screen row; equal numbers mean equal rows."""
        stamps = []
        for row in self._terminal.grid:
            if not row.stamp:
                self._stamp += 1
                row.stamp = self._stamp
            stamps.append(row.stamp)
        return stamps

    def cells(self, row: int) -> Sequence[Cell]:
        """Exactly `columns` cells."""
        source = self._terminal.grid[row]
        source.settle()
        if source.length == CELLS:
            return [self._cells_of(pen)[text] for text, pen in zip(source.texts, source.pens)]
        cells: List[Cell] = []
        runs = source.runs
        for index in range(0, len(runs), 2):
            cells += map(self._cells_of(runs[index + 1]).__getitem__, runs[index])
        rest = self.columns - len(cells)
        if rest:
            cells += [self._cells_of(source.fill)[" "]] * rest
        return cells

    def _cells_of(self, pen: Pen) -> CellsOf:
        cells = self._cells.get(pen)
        if cells is None:
            if len(self._cells) >= CELL_PENS_LIMIT:
                self._cells.clear()
            cells = self._cells[pen] = CellsOf(pen)
        return cells

    def spans(self, row: int) -> List[Span]:
        """The row as it crosses the wire: `row_spans` of its cells, without making them where that is not needed."""
        source = self._terminal.grid[row]
        text, runs, _ = source.packed(self.columns)
        if not isinstance(text, str) or (source.wide and WIDE_PAD in text):
            return row_spans(self.cells(row))
        spans: List[Span] = []
        start = end = 0
        last = ""
        for index in range(0, len(runs), 2):
            code = pen_code(runs[index])
            if code != last:
                if start < end:
                    spans.append((text[start:end], last))
                start = end
                last = code
            end += runs[index + 1]
        rest = text[start:end] if last else text[start:end].rstrip(" ")
        if rest:
            spans.append((rest, last))
        return spans

    def text(self, row: int) -> str:
        """The row's characters, wide ones once, trailing blanks stripped."""
        return self._terminal.grid[row].text()

    def is_wrapped(self, row: int) -> bool:
        """Whether the next row continues this one."""
        return self._terminal.grid[row].wrapped

    @property
    def cursor(self) -> Cursor:
        terminal = self._terminal
        return Cursor(terminal.y, terminal.x, 25 in terminal.modes, terminal.cursor_style, terminal.pending)

    @property
    def modes(self) -> Modes:
        return state.modes_of(self._terminal)

    @property
    def history_dropped(self) -> int:
        return self._terminal.history.dropped

    @property
    def history_length(self) -> int:
        return len(self._terminal.history)

    def history(self, start: int, stop: int) -> List[Line]:
        """Kept rows `start` to `stop`, as text."""
        return [Line(packed_text(row), row.wrapped) for row in self._terminal.history.packed(start, stop)]

    def history_cells(self, index: int) -> Sequence[Cell]:
        """The cells of one kept row, as many as it has."""
        return unpack_cells(self._terminal.history.packed(index, index + 1)[0])

    def search(self, text: str) -> List[int]:
        """Indexes of the kept rows above the screen that contain `text`."""
        return self._terminal.history.search(text)

    def drain_events(self) -> List[Event]:
        """Events since the last call, oldest first."""
        events = list(self._terminal.events)
        self._terminal.events.clear()
        return events

    def drain_replies(self) -> List[Reply]:
        """Answers to queries since the last call."""
        return self._terminal.replies.drain()

    def snapshot(self, history: int = 0) -> bytes:
        """ANSI that brings a reset terminal of this size to this state, the last `history` rows first."""
        return snapshot(state.capture(self._terminal, self.offset, history), history)

    def checkpoint(self) -> Checkpoint:
        """The whole state at `settled_offset`; raises ValueError when there is none."""
        offset = self.settled_offset
        if offset is None:
            raise ValueError("what is half read has had an effect already")
        return dump(state.capture(self._terminal, offset))
