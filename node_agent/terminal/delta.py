"""What changed on a screen since a state the other side is known to hold, and the inverse.

Both sides hold the same immutable `ScreenModel`. The node reads one off an engine, keeps the one each subscriber has
acknowledged, and sends the difference; the console applies it. A delta is a JSON object, each key only where needed:

- `size`: `[columns, rows]`; the screen starts blank at this size. Always in the first delta, then after a resize.
- `moves`: `[[to, from, count], ...]`, rows that are found elsewhere on the screen before the delta.
- `rows`: `[[row, spans], ...]`, or `[row, spans, column]` to put the spans over what stands there from `column` on.
- `cursor`: `[row, column, visible, style]`.
- `modes`: the fields of `Modes` that are not at their default.

The order is size, moves, rows. Keys a reader does not know are ignored.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from node_agent.terminal.engine import Engine, Modes
from node_agent.terminal.spans import WireRow, find_patch, patch_row, read_row

Delta = Dict[str, Any]
SIZE_LIMIT = 10_000


class ScreenModel(NamedTuple):
    """A screen as it is known across the wire; `cursor` is row, column, visible, style (DECSCUSR, 0-6).

    An unchanged row is the same object from one model to the next, so `is` tells what to draw.
    """

    columns: int = 0
    rows: Tuple[WireRow, ...] = ()
    cursor: Tuple[int, int, bool, int] = (0, 0, True, 0)
    modes: Modes = Modes()


class ScreenReader:
    """Reads models off one engine; a row is built once a content, for all who watch it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._built: Dict[int, WireRow] = {}

    def read(self) -> ScreenModel:
        """The engine's screen now."""
        engine, known = self._engine, self._built
        built: Dict[int, WireRow] = {}
        stamps = engine.stamps()
        for row, stamp in enumerate(stamps):
            if stamp not in built:
                spans = known.get(stamp)
                built[stamp] = tuple(engine.spans(row)) if spans is None else spans
        self._built = built
        cursor = engine.cursor
        rows = tuple([built[stamp] for stamp in stamps])
        return ScreenModel(
            engine.columns, rows, (cursor.row, cursor.column, cursor.visible, cursor.style), engine.modes
        )


def screen_delta(held: Optional[ScreenModel], current: ScreenModel) -> Optional[Delta]:
    """What makes `current` of `held` (None: nothing is held); None when they show the same."""
    delta: Delta = {}
    if held is None or (held.columns, len(held.rows)) != (current.columns, len(current.rows)):
        delta["size"] = [current.columns, len(current.rows)]
        old: Tuple[WireRow, ...] = ((),) * len(current.rows)
    else:
        old = held.rows
    changed = [row for row, (was, now) in enumerate(zip(old, current.rows)) if was is not now and was != now]
    if changed:
        moves, rest = _find_moves(old, current.rows, changed)
        if moves:
            delta["moves"] = moves
        if rest:
            delta["rows"] = [_row_change(row, old[row], current.rows[row]) for row in rest]
    if held is None or held.cursor != current.cursor:
        delta["cursor"] = list(current.cursor)
    if held is None or held.modes != current.modes:
        defaults = Modes()._asdict()
        delta["modes"] = {name: value for name, value in current.modes._asdict().items() if value != defaults[name]}
    return delta or None


def _find_moves(
    old: Tuple[WireRow, ...], new: Tuple[WireRow, ...], changed: List[int]
) -> Tuple[List[List[int]], List[int]]:
    """Runs of changed rows that are old rows elsewhere, known by identity, and the changed rows that are not."""
    places = {id(spans): row for row, spans in enumerate(old) if spans}
    moves: List[List[int]] = []
    rest: List[int] = []
    for row in changed:
        source = places.get(id(new[row]))
        if source is None:
            rest.append(row)
        elif moves and row == moves[-1][0] + moves[-1][2] and source == moves[-1][1] + moves[-1][2]:
            moves[-1][2] += 1
        else:
            moves.append([row, source, 1])
    return moves, rest


def _row_change(row: int, old: WireRow, new: WireRow) -> List[Any]:
    patch = find_patch(old, new) if old and new else None
    if patch is None:
        return [row, [list(span) for span in new]]
    spans, column = patch
    return [row, [list(span) for span in spans], column]


def apply_delta(model: ScreenModel, delta: Delta) -> ScreenModel:
    """`model` after `delta`, which may come from anyone: raises ValueError when it is not one that fits `model`."""
    try:
        return _apply(model, delta)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"not a screen delta: {error!r}") from error


def _apply(model: ScreenModel, delta: Delta) -> ScreenModel:
    columns, rows = model.columns, list(model.rows)
    if "size" in delta:
        columns, count = (_number(item, 1, SIZE_LIMIT) for item in delta["size"])
        rows = [()] * count
    before = tuple(rows)
    for target, source, count in delta.get("moves", ()):
        _number(count, 1, len(rows))
        last = len(rows) - count
        rows[_number(target, 0, last) : target + count] = before[_number(source, 0, last) : source + count]
    for row, spans, *rest in delta.get("rows", ()):
        column = _number(rest[0], 0, columns) if rest else 0
        read = read_row(spans, columns - column)
        row = _number(row, 0, len(rows) - 1)
        rows[row] = patch_row(rows[row], read, column) if rest else read
    cursor = model.cursor
    if "cursor" in delta:
        line, column, visible, style = delta["cursor"]
        line, column = _number(line, 0, max(0, len(rows) - 1)), _number(column, 0, max(0, columns - 1))
        cursor = (line, column, bool(visible), _number(style, 0, 6))
    modes = _read_modes(delta["modes"]) if "modes" in delta else model.modes
    return ScreenModel(columns, tuple(rows), cursor, modes)


def _read_modes(source: Dict[str, Any]) -> Modes:
    fields: Dict[str, Any] = {}
    for name, default in Modes()._asdict().items():
        value = source.get(name, default)
        if type(value) is not type(default):
            raise ValueError(f"the mode {name} cannot be {value!r}")
        fields[name] = value
    return Modes(**fields)


def _number(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{value!r} is not a number from {low} to {high}")
    return value


def changed_rows(before: ScreenModel, after: ScreenModel) -> List[int]:
    """Rows of `after` to draw again; all of them after a resize."""
    if (before.columns, len(before.rows)) != (after.columns, len(after.rows)):
        return list(range(len(after.rows)))
    return [row for row, (was, now) in enumerate(zip(before.rows, after.rows)) if was is not now]
