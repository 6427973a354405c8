"""The engine-neutral checkpoint of a terminal: its JSON form, written from and read into a `TerminalState`.

It owns the format and its validation and knows no engine. The fields, all required:

- `version`: 1; a reader refuses others.
- `columns`, `rows`: the size, each 1 to 10,000.
- `offset`: the journal offset of the next byte.
- `pens`: the pens in use, `[foreground, background, flags, underline_style, underline_color, link]`; colours are null,
  0-255 or `[red, green, blue]`. Everything else names a pen by its index here.
- `main`, `alternate`: a screen each, `{"rows": [...], "saved": saved cursor or null, "keyboard": [kitty flags ...]}`.
  `rows` has exactly `rows` rows. `keyboard` lists the pushed kitty flags, the last in force; empty means 0.
- a row is `[text, runs, wrapped]`. `text` has one code point a column; a wide character is followed by "\\0" for its
  second column; where a cell has several code points, `text` is a list of cell strings instead. `runs` is flat: pen,
  columns, pen, columns. Columns beyond the text are blank under the default pen.
- `history`: rows above the main screen, oldest first; `history_dropped`: rows that left it.
- `active`: "main" or "alternate".
- `cursor`: `[row, column, pending_wrap, style]` in the active screen; its visibility is mode ?25.
- a saved cursor is `[row, column, pending_wrap, pen, charsets, origin]`.
- `pen`: the pen in force; with `Flag.PROTECTED` while DECSCA is on.
- `charsets`: `[g0, g1, g2, g3, left, right]`: four final characters ("B" ASCII, "0" line drawing, "A" UK), and which
  of them GL and GR are.
- `margins`: `[top, bottom, left, right]`, inclusive.
- `tabs`: columns with a tab stop, ascending.
- `modes`: numbers of the set DEC private modes, ascending; `ansi_modes`: of the set ANSI modes (4 IRM, 20 LNM).
- `saved_modes`: private modes kept by XTSAVE, `[[mode, set], ...]`.
- `keypad`: whether the keypad is in application mode; `modify_other_keys`: 0 to 2.
- `title`, `icon`, `cwd`: as sent; `titles`: the pushed `[title, icon]` pairs.
- `last`: the last graphic character printed, which REP repeats; "" for none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple

from node_agent.terminal.engine import DEFAULT_PEN, Checkpoint, Color, Pen
from node_agent.terminal.packed import PackedRow

VERSION = 1
SIZE_LIMIT = 10_000
_NUMBER_LIMIT = 1 << 63

Charsets = Tuple[str, str, str, str, int, int]
"""G0 to G3 by final character, then which of them GL and GR are."""

DEFAULT_CHARSETS: Charsets = ("B", "B", "B", "B", 0, 2)


@dataclass(frozen=True)
class SavedCursor:
    """What DECSC saves (xterm ctlseqs, ESC 7)."""

    row: int = 0
    column: int = 0
    pending_wrap: bool = False
    pen: Pen = DEFAULT_PEN
    charsets: Charsets = DEFAULT_CHARSETS
    origin: bool = False


@dataclass
class ScreenState:
    """One of the two screens."""

    rows: List[PackedRow]
    saved: Optional[SavedCursor] = None
    keyboard: List[int] = field(default_factory=list)


@dataclass
class TerminalState:
    """A terminal between two tokens; the module docstring explains the fields."""

    columns: int
    rows: int
    main: ScreenState
    alternate: ScreenState
    tabs: List[int]
    margins: Tuple[int, int, int, int]
    offset: int = 0
    active: str = "main"
    cursor: Tuple[int, int, bool, int] = (0, 0, False, 0)
    pen: Pen = DEFAULT_PEN
    charsets: Charsets = DEFAULT_CHARSETS
    modes: Set[int] = field(default_factory=set)
    ansi_modes: Set[int] = field(default_factory=set)
    saved_modes: Dict[int, bool] = field(default_factory=dict)
    keypad: bool = False
    modify_other_keys: int = 0
    title: str = ""
    icon: str = ""
    cwd: str = ""
    titles: List[Tuple[str, str]] = field(default_factory=list)
    last: str = ""
    history: List[PackedRow] = field(default_factory=list)
    history_dropped: int = 0


def dump(state: TerminalState) -> Checkpoint:
    """`state` in its JSON form."""
    pens: Dict[Pen, int] = {}

    def number(pen: Pen) -> int:
        return pens.setdefault(pen, len(pens))

    def row(packed: PackedRow) -> List[Any]:
        text = packed.text if isinstance(packed.text, str) else list(packed.text)
        runs = [number(item) if index % 2 == 0 else item for index, item in enumerate(packed.runs)]
        return [text, runs, packed.wrapped]

    def saved(cursor: SavedCursor) -> List[Any]:
        place = [cursor.row, cursor.column, cursor.pending_wrap]
        return [*place, number(cursor.pen), list(cursor.charsets), cursor.origin]

    def screen(one: ScreenState) -> Dict[str, Any]:
        return {
            "rows": [row(packed) for packed in one.rows],
            "saved": saved(one.saved) if one.saved else None,
            "keyboard": list(one.keyboard),
        }

    return {
        "version": VERSION,
        "columns": state.columns,
        "rows": state.rows,
        "offset": state.offset,
        "main": screen(state.main),
        "alternate": screen(state.alternate),
        "history": [row(packed) for packed in state.history],
        "history_dropped": state.history_dropped,
        "active": state.active,
        "cursor": list(state.cursor),
        "pen": number(state.pen),
        "charsets": list(state.charsets),
        "margins": list(state.margins),
        "tabs": list(state.tabs),
        "modes": sorted(state.modes),
        "ansi_modes": sorted(state.ansi_modes),
        "saved_modes": [[mode, on] for mode, on in sorted(state.saved_modes.items())],
        "keypad": state.keypad,
        "modify_other_keys": state.modify_other_keys,
        "title": state.title,
        "icon": state.icon,
        "cwd": state.cwd,
        "titles": [list(pair) for pair in state.titles],
        "last": state.last,
        "pens": [[list(v) if isinstance(v, tuple) else v for v in pen] for pen in pens],
    }


def load(checkpoint: Checkpoint) -> TerminalState:
    """Read the JSON form; raises ValueError when it is not a checkpoint of this version."""
    try:
        return _Loader(checkpoint).state()
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not a terminal checkpoint: {error!r}") from error


class _Loader:
    """One reading of one checkpoint; holds its pens and size."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        if _integer(checkpoint["version"]) != VERSION:
            raise ValueError(f"terminal checkpoint of version {checkpoint['version']}, not {VERSION}")
        self.source = checkpoint
        self.columns = _integer(checkpoint["columns"], 1, SIZE_LIMIT)
        self.rows = _integer(checkpoint["rows"], 1, SIZE_LIMIT)
        self.pens = [_pen(item) for item in _list(checkpoint["pens"])]

    def state(self) -> TerminalState:
        source = self.source
        active = source["active"]
        if active not in ("main", "alternate"):
            raise ValueError(f"no such screen: {active!r}")
        row, column, pending, style = _list(source["cursor"])
        top, bottom, left, right = _list(source["margins"])
        return TerminalState(
            columns=self.columns,
            rows=self.rows,
            offset=_integer(source["offset"]),
            main=self.screen(source["main"]),
            alternate=self.screen(source["alternate"]),
            history=[self.row(item, SIZE_LIMIT) for item in _list(source["history"])],
            history_dropped=_integer(source["history_dropped"]),
            active=active,
            cursor=(*self.place(row, column, pending), _integer(style, 0, 6)),
            pen=self.pen(source["pen"]),
            charsets=_charsets(source["charsets"]),
            margins=(
                _integer(top, 0, self.rows - 1),
                _integer(bottom, _integer(top), self.rows - 1),
                _integer(left, 0, self.columns - 1),
                _integer(right, _integer(left), self.columns - 1),
            ),
            tabs=sorted({_integer(item, 0, SIZE_LIMIT) for item in _list(source["tabs"])}),
            modes={_integer(item) for item in _list(source["modes"])},
            ansi_modes={_integer(item) for item in _list(source["ansi_modes"])},
            saved_modes={_integer(mode): _boolean(on) for mode, on in _list(source["saved_modes"])},
            keypad=_boolean(source["keypad"]),
            modify_other_keys=_integer(source["modify_other_keys"], 0, 2),
            title=_string(source["title"]),
            icon=_string(source["icon"]),
            cwd=_string(source["cwd"]),
            titles=[(_string(title), _string(icon)) for title, icon in _list(source["titles"])],
            last=_string(source["last"]),
        )

    def screen(self, source: Any) -> ScreenState:
        rows = [self.row(item, self.columns) for item in _list(source["rows"])]
        if len(rows) != self.rows:
            raise ValueError(f"a screen of {len(rows)} rows, not {self.rows}")
        saved = source["saved"]
        return ScreenState(
            rows=rows,
            saved=None if saved is None else self.saved(saved),
            keyboard=[_integer(flags, 0, 31) for flags in _list(source["keyboard"])],
        )

    def row(self, source: Any, limit: int) -> PackedRow:
        text, runs, wrapped = _list(source)
        if not isinstance(text, str):
            text = tuple(_string(item) for item in _list(text))
            if not all(text):
                raise ValueError("a cell without text")
        numbers = _list(runs)
        packed: List[Any] = []
        for index in range(0, len(numbers), 2):
            packed += (self.pen(numbers[index]), _integer(numbers[index + 1], 1, limit))
        if sum(packed[1::2]) != len(text) or len(text) > limit:
            raise ValueError("the runs of a row do not cover its text")
        return PackedRow(text, tuple(packed), _boolean(wrapped))

    def place(self, row: Any, column: Any, pending: Any) -> Tuple[int, int, bool]:
        return _integer(row, 0, self.rows - 1), _integer(column, 0, self.columns - 1), _boolean(pending)

    def saved(self, source: Any) -> SavedCursor:
        row, column, pending, pen, charsets, origin = _list(source)
        place = self.place(row, column, pending)
        return SavedCursor(*place, self.pen(pen), _charsets(charsets), _boolean(origin))

    def pen(self, index: Any) -> Pen:
        return self.pens[_integer(index, 0, len(self.pens) - 1)]


def _integer(value: Any, low: int = 0, high: int = _NUMBER_LIMIT) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{value!r} is not a number from {low} to {high}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")  # noqa: TRY004 - one error class for a bad checkpoint
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")  # noqa: TRY004 - one error class for a bad checkpoint
    return value


def _list(value: Any) -> List[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list")  # noqa: TRY004 - one error class for a bad checkpoint
    return value


def _charsets(value: Any) -> Charsets:
    g0, g1, g2, g3, left, right = _list(value)
    return _string(g0), _string(g1), _string(g2), _string(g3), _integer(left, 0, 3), _integer(right, 0, 3)


def _color(value: Any) -> Color:
    if value is None:
        return None
    if isinstance(value, int):
        return _integer(value, 0, 255)
    red, green, blue = _list(value)
    return _integer(red, 0, 255), _integer(green, 0, 255), _integer(blue, 0, 255)


def _pen(value: Any) -> Pen:
    foreground, background, flags, style, underline, link = _list(value)
    if link is not None:
        link = _string(link)
    return Pen(
        _color(foreground), _color(background), _integer(flags, 0, 1023), _integer(style, 0, 5), _color(underline), link
    )
