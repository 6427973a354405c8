"""The `pyte` engine: pyte's screen, hardened, behind a filter.

It stays for good as the second engine: chosen by the operator, taken when the other one raises, and what the other
one is compared with in tests. It does the same but for left and right margins, reverse wrap and wrapping lines anew
after a resize, and it is slower.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Callable, Deque, Dict, List, Optional, Sequence

from node_agent.terminal import checkpoint as checkpoints
from node_agent.terminal.engine import (
    Cell,
    Checkpoint,
    Cursor,
    EngineOptions,
    Event,
    EventKind,
    Line,
    Modes,
    Reply,
)
from node_agent.terminal.links import SeenLinks, link_of
from node_agent.terminal.packed import unpack_cells
from node_agent.terminal.prefilter import CONTROL_CALLS, ENGINE_CALLS, ESCAPE_CALLS, read_control_sequence
from node_agent.terminal.pyte_cursor import CURSOR_VISIBLE, Row
from node_agent.terminal.pyte_pens import pen_after
from node_agent.terminal.pyte_screen import HardenedScreen
from node_agent.terminal.pyte_state import PyteState
from node_agent.terminal.queries import ReplyQueue, answer_csi, answer_string
from node_agent.terminal.rows import Span, row_spans
from node_agent.terminal.scrollback import Scrollback
from node_agent.terminal.snapshot import snapshot as write_snapshot
from node_agent.terminal.tokenizer import Kind, Token, Tokenizer, decode_text

EVENTS_KEPT = 256
_DESIGNATORS = "()*+"


class PyteEngine:
    """An `Engine` on pyte 0.8.2."""

    name = "pyte"

    def __init__(self, columns: int, rows: int, options: Optional[EngineOptions] = None, offset: int = 0) -> None:
        self._options = options or EngineOptions()
        self._tokenizer = Tokenizer(offset)
        self._token_end = offset
        self._stamps = count(1)
        self._events: Deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._links = SeenLinks()
        self._replies = ReplyQueue()
        self._scrollback = Scrollback(self._options.history)
        self._screen = HardenedScreen(columns, rows, self._keep)
        self._state = PyteState(self._screen, self._emit)
        self._publish()
        self._readers: Dict[Kind, Callable[[Token], None]] = {
            Kind.LINES: self._read_lines,
            Kind.TEXT: self._read_text,
            Kind.CSI: self._read_control_sequence,
            Kind.ESCAPE: self._read_escape,
            Kind.STRING: self._read_string,
            Kind.CONTROL: self._read_control,
        }

    @classmethod
    def restore(cls, state: checkpoints.TerminalState, options: Optional[EngineOptions] = None) -> PyteEngine:
        """The engine in `state`, whichever engine it is of."""
        engine = cls(state.columns, state.rows, options, state.offset)
        engine._state.load(state)
        engine._scrollback = Scrollback(engine._options.history, state.history, state.history_dropped)
        engine._publish()
        return engine

    # what the engine is

    @property
    def at_boundary(self) -> bool:
        """Whether no sequence or character is half read."""
        return self._tokenizer.at_boundary and self._screen.single_shift is None

    @property
    def settled_offset(self) -> Optional[int]:
        """The offset up to which the screen shows all output; None while there is none."""
        return None if self._screen.single_shift is not None else self._tokenizer.settled_offset

    @property
    def cursor(self) -> Cursor:
        """The cursor of the active screen."""
        screen = self._screen
        visible = CURSOR_VISIBLE in screen.mode
        return Cursor(screen.y, screen.x, visible, self._state.cursor_style, screen.pending_wrap)

    @property
    def modes(self) -> Modes:
        """The modes that matter outside."""
        return self._state.modes()

    # feeding

    def feed(self, data: bytes) -> None:
        """Interpret `data`."""
        readers = self._readers
        for token in self._tokenizer.feed(data):
            self._token_end = token.end
            readers[token.kind](token)
        self._publish()

    def resize(self, columns: int, rows: int) -> None:
        """Crop or extend to the new size."""
        self._screen.resize(rows, columns)
        self._state.columns, self._state.rows = columns, rows
        self._publish()

    def _publish(self) -> None:
        """Bring the public attributes up to date."""
        told = self._state.announcements
        self.columns, self.rows = self._screen.columns, self._screen.lines
        self.offset = self._tokenizer.offset
        self.title, self.icon, self.cwd = told.title, told.icon, told.cwd

    def _read_lines(self, token: Token) -> None:
        screen = self._screen
        for line in token.text.split("\r\n")[:-1]:
            if line:
                screen.draw(line)
            screen.carriage_return()
            screen.linefeed()

    def _read_text(self, token: Token) -> None:
        self._screen.draw(decode_text(token.text))

    def _read_control(self, token: Token) -> None:
        call = CONTROL_CALLS.get(token.text)
        if call is not None:
            getattr(self._screen, call.method)(*call.arguments)
        elif token.text == "\x07":
            self._emit(EventKind.BELL, "")

    def _read_escape(self, token: Token) -> None:
        body = token.text[1:]
        call = ESCAPE_CALLS.get(body)
        if call is not None:
            getattr(self._screen, call.method)(*call.arguments)
        elif body in ("=", ">"):
            self._state.keypad = body == "="
        elif body == "c":
            self._state.reset()
        elif body == "Z":
            self._answer("\x1b[c")
        elif len(body) == 2 and body[0] in _DESIGNATORS:
            self._screen.designate(_DESIGNATORS.index(body[0]), body[1])

    def _read_control_sequence(self, token: Token) -> None:
        sequence = read_control_sequence(token.text)
        if sequence is None:
            return
        if sequence.kind == "m":
            self._screen.set_pen(pen_after(self._screen.pen, sequence.parameters))
        elif sequence.call is None or (sequence.kind == "t" and sequence.parameters in ("18", "19")):
            self._answer(token.text)
        elif sequence.kind == "J" and sequence.call.arguments[0] == 3:
            self._scrollback.clear()
        else:
            target = self._state if sequence.kind in ENGINE_CALLS else self._screen
            getattr(target, sequence.call.method)(*sequence.call.arguments)

    def _read_string(self, token: Token) -> None:
        if token.text.startswith("\x1b]"):
            code, _, text = token.text[2:].partition(";")
            if code == "8":
                self._set_link(link_of(decode_text(text)))
            else:
                self._state.announcements.read(code, decode_text(text))
        if token.text[1] in "]P":
            self._replies.add(answer_string(token.text, token.terminator, self._state, self._options), token.end)

    def _set_link(self, link: Optional[str]) -> None:
        if link is not None and self._links.is_news(link, self._events):
            self._emit(EventKind.HYPERLINK, link)
        self._screen.set_pen(self._screen.pen._replace(link=link))

    def _answer(self, question: str) -> None:
        self._replies.add(answer_csi(question, self._state, self._options), self._token_end)

    def _emit(self, kind: EventKind, text: str) -> None:
        self._events.append(Event(kind, text, self._token_end))

    def _keep(self, row: Row) -> None:
        self._scrollback.append(row.packed(self._screen.columns))

    # reading

    def stamps(self) -> Sequence[int]:
        """One number a row, new after each change of its content."""
        stamps: List[int] = []
        for row in self._screen.buffer:
            if not row.stamp:
                row.stamp = next(self._stamps)
            stamps.append(row.stamp)
        return stamps

    def cells(self, row: int) -> Sequence[Cell]:
        """Exactly `columns` cells."""
        return self._screen.buffer[row].cells(self.columns)

    def spans(self, row: int) -> List[Span]:
        """The row as it crosses the wire."""
        return row_spans(self.cells(row))

    def text(self, row: int) -> str:
        """The row's characters, trailing blanks stripped."""
        return "".join([cell.text for cell in self.cells(row)]).rstrip(" ")

    def is_wrapped(self, row: int) -> bool:
        """Whether the next row continues this one."""
        return self._screen.buffer[row].wrapped

    @property
    def history_dropped(self) -> int:
        """Rows that left the history."""
        return self._scrollback.dropped

    @property
    def history_length(self) -> int:
        """Rows in the history."""
        return len(self._scrollback)

    def history(self, start: int, stop: int) -> List[Line]:
        """Kept rows as text."""
        return self._scrollback.lines(start, stop)

    def history_cells(self, index: int) -> Sequence[Cell]:
        """The cells of one kept row."""
        return unpack_cells(self._scrollback[index])

    def drain_events(self) -> List[Event]:
        """Events since the last call."""
        events = list(self._events)
        self._events.clear()
        return events

    def drain_replies(self) -> List[Reply]:
        """Answers since the last call."""
        return self._replies.drain()

    def snapshot(self, history: int = 0) -> bytes:
        """ANSI for the state."""
        return write_snapshot(self._dump(), history)

    def checkpoint(self) -> Checkpoint:
        """The whole state at `settled_offset`; raises ValueError when there is none."""
        state = self._dump()
        if self.settled_offset is None:
            raise ValueError("what is half read has had an effect already")
        state.offset = self.settled_offset
        return checkpoints.dump(state)

    def _dump(self) -> checkpoints.TerminalState:
        state = self._state.dump()
        state.offset = self.offset
        state.history = self._scrollback.packed()
        state.history_dropped = self._scrollback.dropped
        return state
