"""The interface every terminal engine implements, and the values it speaks in.

An engine turns a session's output into a screen. It owns no file, clock or process: bytes go in through `feed`,
and rows, events and replies to the program's queries come out. Two engines implement it, `pyte` (hardened, the
fallback and the oracle of tests) and `vt` (ours, the default). Rows and columns count from 0 everywhere.
"""

from __future__ import annotations

import enum
from typing import Any, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple, Union

Color = Union[None, int, Tuple[int, int, int]]
"""None is the terminal's default, 0-255 a palette index, a triple is 24-bit red, green, blue."""


class Flag(enum.IntFlag):
    """Attributes of a cell (ECMA-48 SGR); `UNDERLINE` is set with every underline style."""

    BOLD = 1
    DIM = 2
    ITALIC = 4
    UNDERLINE = 8
    BLINK = 16
    INVERSE = 32
    HIDDEN = 64
    STRIKE = 128
    OVERLINE = 256
    PROTECTED = 512  # DECSCA: not drawn, but kept by selective erase


class Pen(NamedTuple):
    """How a cell is drawn. `flags` is a plain int of `Flag` bits; pens are compared and hashed by value."""

    foreground: Color = None
    background: Color = None
    flags: int = 0
    underline_style: int = 0  # 0 none, 1 straight, 2 double, 3 curly, 4 dotted, 5 dashed (SGR 4:n)
    underline_color: Color = None
    link: Optional[str] = None  # OSC 8 target, unsanitised


DEFAULT_PEN = Pen()


class Cell(NamedTuple):
    """One column. A wide character is its text in the first column and "" in the second."""

    text: str
    pen: Pen


class Line(NamedTuple):
    """A row that left the screen, or a row read as text. `wrapped`: the next row continues this one."""

    text: str
    wrapped: bool


class Cursor(NamedTuple):
    row: int
    column: int
    visible: bool
    style: int  # DECSCUSR parameter, 0-6
    pending_wrap: bool


class EventKind(enum.Enum):
    """What a program tells its terminal besides cells."""

    BELL = "bell"
    TITLE = "title"  # OSC 0, 2; text is the title
    CWD = "cwd"  # OSC 7; text is the URL as sent
    NOTIFICATION = "notification"  # OSC 9, 99, 777; text is "title\nbody" (title may be empty)
    PROGRESS = "progress"  # OSC 9;4; text is "state;percent"
    PROMPT_MARK = "prompt_mark"  # OSC 133; text is "A", "B", "C" or "D;status"
    CLIPBOARD = "clipboard"  # OSC 52 write; text is "selection;base64"
    ALTERNATE_SCREEN = "alternate_screen"  # text is "on" or "off"
    HYPERLINK = "hyperlink"  # OSC 8 opened a link; text is its target, told once while it is remembered


class Event(NamedTuple):
    """`offset` is the journal offset after the last byte of the sequence. Text is as sent, capped, unsanitised."""

    kind: EventKind
    text: str
    offset: int


class Reply(NamedTuple):
    """Bytes the program expects for its query; `offset` is the journal offset after the query's last byte."""

    data: bytes
    offset: int


class Modes(NamedTuple):
    """Terminal modes that matter outside the engine: to key encoding, attach and detection."""

    application_cursor: bool = False  # DECCKM, ?1
    application_keypad: bool = False  # DECKPAM
    bracketed_paste: bool = False  # ?2004
    focus_events: bool = False  # ?1004
    mouse: int = 0  # 0, or the highest of ?9 ?1000 ?1002 ?1003 that is set
    mouse_sgr: bool = False  # ?1006
    alternate_screen: bool = False  # ?47 ?1047 ?1049
    synchronized: bool = False  # ?2026, an update is open
    kitty_flags: int = 0  # kitty keyboard flags of the active screen
    modify_other_keys: int = 0  # CSI > 4 ; n m
    newline: bool = False  # LNM, 20
    reverse_screen: bool = False  # DECSCNM, ?5


class EngineOptions(NamedTuple):
    """What a session's owner decides about its terminal. Colours answer OSC 10/11/12 queries."""

    history: int = 1000  # rows kept after they scroll off
    foreground: Tuple[int, int, int] = (0xD0, 0xD0, 0xD0)
    background: Tuple[int, int, int] = (0x10, 0x10, 0x10)
    cursor: Tuple[int, int, int] = (0xD0, 0xD0, 0xD0)


Checkpoint = Dict[str, Any]
"""Engine-neutral, versioned, JSON-compatible state between two tokens; see `checkpoint.py` for its fields."""


class Engine(Protocol):
    """A terminal of `columns` x `rows`.

    `feed` never raises on any input; an engine that does is broken, and its session goes on in the other one from
    the last checkpoint. The result does not depend on how the bytes are cut into calls.
    """

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def offset(self) -> int:
        """Journal offset of the next byte to feed."""

    @property
    def title(self) -> str: ...

    @property
    def icon(self) -> str: ...

    @property
    def cwd(self) -> str: ...

    def feed(self, data: bytes) -> None:
        """Interpret `data` and advance `offset` by its length."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; both at least 1."""

    def stamps(self) -> Sequence[int]:
        """One number a screen row. An unchanged number means an unchanged row, also when the row moved: two
        different contents never share a number in the life of the engine."""

    def cells(self, row: int) -> Sequence[Cell]:
        """Exactly `columns` cells."""

    def spans(self, row: int) -> List[Tuple[Union[str, int], ...]]:
        """The row as it crosses the wire: `row_spans` of its cells, which an engine may know without making them."""

    def text(self, row: int) -> str:
        """The row's characters, wide ones once, trailing blanks stripped."""

    def is_wrapped(self, row: int) -> bool:
        """Whether the next row continues this one (soft wrap)."""

    @property
    def cursor(self) -> Cursor: ...

    @property
    def modes(self) -> Modes: ...

    @property
    def at_boundary(self) -> bool:
        """Whether no sequence or character is half read."""

    @property
    def settled_offset(self) -> Optional[int]:
        """The journal offset up to which the screen shows all output: `offset` but for what is half read.

        None while that is not one place: a control inside a half-read sequence has been done, or a single shift.
        """

    @property
    def history_dropped(self) -> int:
        """Rows that ever left the screen at its top and are not kept any more."""

    @property
    def history_length(self) -> int:
        """Rows kept above the screen."""

    def history(self, start: int, stop: int) -> List[Line]:
        """Kept rows `start` (0 the oldest kept) to `stop`, as text."""

    def history_cells(self, index: int) -> Sequence[Cell]:
        """The cells of one kept row, as many as it has."""

    def drain_events(self) -> List[Event]:
        """Events since the last call, oldest first; at most a few hundred are kept."""

    def drain_replies(self) -> List[Reply]:
        """Answers to queries since the last call."""

    def snapshot(self, history: int = 0) -> bytes:
        """ANSI that brings a reset terminal of this size to this state, the last `history` rows first.

        What is half read is not in it: output goes on at `settled_offset`.
        """

    def checkpoint(self) -> Checkpoint:
        """The whole state at `settled_offset`; raises ValueError when there is none."""
