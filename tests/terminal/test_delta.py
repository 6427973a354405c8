"""A model and a delta give exactly the screen a full build gives, and hostile deltas only a ValueError."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.terminal.delta import Delta, ScreenModel, apply_delta, changed_rows, screen_delta
from node_agent.terminal.engine import DEFAULT_PEN, Cell, Modes, Pen
from node_agent.terminal.rows import row_spans
from node_agent.terminal.spans import WireRow, crop_spans, find_patch, join_spans, patch_row, read_row, row_width

PENS = (DEFAULT_PEN, Pen(foreground=1), Pen(background=(1, 2, 3), flags=1))
UNITS = [*"ab  x─é", "漢", "😀", "e\u0301", "👨\u200d👩"]


def is_wide(text: str) -> bool:
    return text[0] in "漢😀👨"


@st.composite
def cell_rows(draw: st.DrawFn, columns: int) -> list[Cell]:
    cells: list[Cell] = []
    while len(cells) < columns:
        text, pen = draw(st.sampled_from(UNITS)), draw(st.sampled_from(PENS))
        repeat = draw(st.integers(1, 4))
        for _ in range(repeat):
            width = 2 if is_wide(text) else 1
            if len(cells) + width <= columns:
                cells += [Cell(text, pen), *[Cell("", pen)] * (width - 1)]
            elif len(cells) < columns:
                cells.append(Cell(" ", pen))
    return cells


def expand(row: WireRow, columns: int) -> list[tuple[str, str]]:
    """Text and pen of each column, "" for the second of a wide cell: an oracle that knows no spans."""
    found: list[tuple[str, str]] = []
    for text, pen, kind in [(*span, 1)[:3] for span in row]:
        units = list(str(text)) if int(kind) > 0 else [str(text)]
        for unit in units:
            found += [(unit, str(pen)), *[("", str(pen))] * (abs(int(kind)) - 1)]
    return found + [(" ", "")] * (columns - len(found))


WIDTH = 24
ROWS = cell_rows(WIDTH).map(lambda cells: tuple(row_spans(cells)))
BLANK: WireRow = ()


@given(ROWS, st.integers(0, WIDTH), st.integers(0, WIDTH + 3))
def test_crop_shows_the_same_columns_and_never_half_a_character(row: WireRow, start: int, width: int) -> None:
    columns = expand(row, WIDTH + 3)[start : start + width]
    if columns and columns[0][0] == "":
        columns[0] = (" ", columns[0][1])
    if columns and columns[-1][0] and is_wide(columns[-1][0]):
        columns[-1] = (" ", columns[-1][1])
    assert expand(crop_spans(row, start, width), width) == columns + [(" ", "")] * (width - len(columns))


@pytest.mark.parametrize("width", [0, -1])
def test_a_crop_of_no_columns_is_empty_inside_a_wide_character_too(width: int) -> None:
    assert crop_spans((("漢字", "31", 2),), 1, width) == ()


@given(ROWS)
def test_built_rows_are_canonical(row: WireRow) -> None:
    assert join_spans(row) == row
    assert crop_spans(row, 0, WIDTH) == row
    assert read_row(json.loads(json.dumps(row)), WIDTH) == row


@given(ROWS, ROWS)
def test_a_patch_makes_the_new_row_of_the_old(old: WireRow, new: WireRow) -> None:
    patch = find_patch(old, new) if old != new else None
    if patch is not None:
        assert patch_row(old, *patch) == new


def test_a_small_change_in_a_long_row_is_a_patch() -> None:
    old: WireRow = (("cpu  12.5% ", ""), ("x" * 60, "31"))
    new: WireRow = (("cpu  99.5% ", ""), ("x" * 60, "31"))
    assert find_patch(old, new) == ((("99", ""),), 5)


def test_a_shortened_row_is_a_patch_of_blanks() -> None:
    old: WireRow = (("y" * 60, "1"), ("tail", ""))
    new: WireRow = (("y" * 60, "1"),)
    assert find_patch(old, new) == ((("    ", ""),), 60)
    assert patch_row(old, (("    ", ""),), 60) == new


@st.composite
def models(draw: st.DrawFn, pool: list[WireRow], count: int) -> ScreenModel:
    rows = draw(st.lists(st.sampled_from(pool), min_size=count, max_size=count))
    cursor = (draw(st.integers(0, count - 1)), draw(st.integers(0, WIDTH - 1)), draw(st.booleans()), 2)
    modes = Modes(bracketed_paste=draw(st.booleans()), mouse=draw(st.sampled_from([0, 1003])))
    return ScreenModel(WIDTH, tuple(rows), cursor, modes)


@given(st.data())
def test_model_and_delta_equal_a_full_build(data: st.DataObject) -> None:
    pool = [BLANK, *data.draw(st.lists(ROWS, min_size=1, max_size=6))]
    held = None
    model = ScreenModel()
    for _ in range(3):
        current = data.draw(models(pool, data.draw(st.sampled_from([4, 4, 5]))))
        delta = screen_delta(held, current)
        if delta is None:
            assert held == current
            continue
        updated = apply_delta(model, json.loads(json.dumps(delta)))
        assert updated == current
        same = [row for row in range(len(current.rows)) if row not in changed_rows(model, updated)]
        assert all(model.rows[row] == current.rows[row] for row in same)
        held = model = updated


def rows_of(*texts: str) -> tuple[WireRow, ...]:
    return tuple(((text, ""),) if text else () for text in texts)


def test_scrolling_is_one_move_and_one_row() -> None:
    old = ScreenModel(9, rows_of("a", "b", "c", "d"))
    new = old._replace(rows=(*old.rows[1:], (("e", ""),)))
    assert screen_delta(old, new) == {"moves": [[0, 1, 3]], "rows": [[3, [["e", ""]]]]}


def test_rows_drawn_again_with_the_same_content_are_not_sent() -> None:
    old = ScreenModel(9, rows_of("a", "b"))
    assert screen_delta(old, ScreenModel(9, rows_of("a", "b"))) is None


def test_the_first_delta_names_the_size() -> None:
    delta = screen_delta(None, ScreenModel(9, rows_of("", "b"), (1, 1, True, 0)))
    assert delta == {"size": [9, 2], "rows": [[1, [["b", ""]]]], "cursor": [1, 1, True, 0], "modes": {}}


HELD = ScreenModel(9, rows_of("a", "b"))
BAD_DELTAS: list[Any] = [
    {"size": [0, 5]},
    {"size": [5, 10**9]},
    {"size": [5]},
    {"size": "55"},
    {"moves": [[0, 1, 2]]},
    {"moves": [[0, -1, 1]]},
    {"moves": [[0, 1]]},
    {"moves": 3},
    {"rows": [[2, []]]},
    {"rows": [[0, [["x", ""]], 10]]},
    {"rows": [[0, [["0123456789", ""]]]]},
    {"rows": [[0, [["漢漢漢漢漢", "", 2]]]]},
    {"rows": [[0, [["", ""]]]]},
    {"rows": [[0, [["x", "\x1b[31m"]]]]},
    {"rows": [[0, [["x", "", 3]]]]},
    {"rows": [[0, [["x", "", True]]]]},
    {"rows": [[0, [[1, ""]]]]},
    {"rows": [[0, "x"]]},
    {"rows": [[True, []]]},
    {"cursor": [2, 0, True, 0]},
    {"cursor": [0, 9, True, 0]},
    {"cursor": [0, 0, True, 7]},
    {"modes": {"mouse": "1000"}},
    {"modes": []},
    [],
    None,
]


@pytest.mark.parametrize("delta", BAD_DELTAS)
def test_a_bad_delta_raises_value_error(delta: Delta) -> None:
    with pytest.raises(ValueError):
        apply_delta(HELD, delta)


def test_unknown_keys_are_ignored() -> None:
    assert apply_delta(HELD, {"later": 1, "modes": {"later": 1}}) == HELD


def test_cells_of_a_hostile_node_neither_act_nor_hide() -> None:
    spans = [["a\x1b[2J", ""], ["\u202e\u0301", "1"], ["👨\u200d👩", "", -2]]
    model = apply_delta(ScreenModel(20, ((),)), {"rows": [[0, spans]]})
    assert model.rows[0] == (("a\ufffd[2J", ""), ("\ufffd\ufffd", "1"), ("👨\u200d👩", "", -2))
    assert row_width(model.rows[0]) == 9


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["mouse", "x"]), inner, max_size=2),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["size", "moves", "rows", "cursor", "modes"]), JSON))
def test_any_json_gives_a_model_or_a_value_error(delta: Delta) -> None:
    try:
        model = apply_delta(HELD, delta)
    except ValueError:
        return
    assert all(row_width(row) <= model.columns for row in model.rows)
