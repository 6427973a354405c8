"""What widgets draw with, without an application: pens, live regions, edges, rows, plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Offset, Region, Size

from node_agent.terminal.spans import WireRow
from relaytui.widgets.frame import bottom_edge, top_edge
from relaytui.widgets.live_region import live_top
from relaytui.widgets.look import look_named, pen_style
from relaytui.widgets.plan import plan_grid, scroll_to
from relaytui.widgets.row_segments import row_segments
from relaytui.widgets.symbols import ASCII, UNICODE
from relaytui.widgets.text import Line, fit
from relaytui.widgets.theme import ROLES, ThemeError, load_theme, theme_named, themes
from relaytui.widgets.toasts import toast_place
from relaytui.widgets.view import Hint, Status, TileView

LOOK = look_named("dark")
PLAIN = look_named("dark", ascii_only=True)
ASKING = TileView("gpu-box/a3", "fix flaky tests", Status.ASKING, "asking", "41 s")
WORKING = TileView("build-1/7c", "nightly build", Status.WORKING, "working", "12 m", badge="ann types")


def rows(*texts: str, height: int = 24) -> list[WireRow]:
    filled: list[WireRow] = [((text, ""),) if text else () for text in texts]
    return filled + [()] * (height - len(filled))


@pytest.mark.parametrize(
    ("pen", "shown"),
    [
        ("", "none"),
        ("1;31", "bold red"),
        ("38;5;196;4", "underline color(196)"),
        ("38;2;1;2;3;48;5;4", "#010203 on blue"),
        ("92;107", "bright_green on bright_white"),
        ("7;9;53", "reverse strike overline"),
        ("4:3;58;5;9", "underline"),
        ("38;2;999;0;0", "none"),
        ("38;5", "none"),
        ("999;1", "bold"),
    ],
)
def test_a_pen_is_drawn_as_it_is_written(pen: str, shown: str) -> None:
    style = pen_style(pen)
    from rich.style import Style

    wanted = Style.parse(shown)
    assert (style.bold, style.underline, style.reverse) == (wanted.bold, wanted.underline, wanted.reverse)
    for ours, theirs in ((style.color, wanted.color), (style.bgcolor, wanted.bgcolor)):
        assert (ours and ours.get_truecolor()) == (theirs and theirs.get_truecolor())


@given(st.text(alphabet="0123456789;:", max_size=40))
def test_no_pen_raises(pen: str) -> None:
    pen_style(pen)


@pytest.mark.parametrize(
    ("screen", "cursor", "height", "top"),
    [
        (rows("a", "b"), 1, 30, 0),  # it fits
        (rows("a", "b"), 1, 6, 0),  # its content fits
        (rows(*map(str, range(24))), 23, 6, 18),  # a log: its end
        (rows(*map(str, range(24))), None, 6, 18),  # a log, the cursor hidden
        (rows(*["~"] * 24), 2, 6, 0),  # a full-screen program with the cursor near the top
        (rows(*["~"] * 24), 12, 6, 12),  # in the middle: the cursor and what is below it
        (rows(*[""] * 9, "box", "box", "box"), None, 5, 8),  # a box in the middle: centred
        (rows(*[""] * 20, "prompt"), 20, 6, 15),  # blank rows above the prompt
        ([], None, 6, 0),
        (rows("a"), 0, 0, 0),
    ],
)
def test_the_live_region_holds_what_matters(screen: list[WireRow], cursor: int | None, height: int, top: int) -> None:
    assert live_top(screen, cursor, height) == top


def test_a_full_screen_program_without_a_cursor_is_shown_from_its_top() -> None:
    screen = rows(*map(str, range(24)))
    assert live_top(screen, None, 6, is_alternate=True) == 0
    assert live_top(screen, 23, 6, is_alternate=True) == 18


@given(
    st.lists(st.booleans(), min_size=1, max_size=50),
    st.none() | st.integers(0, 49),
    st.integers(1, 60),
)
def test_a_visible_cursor_is_always_in_the_live_region(filled: list[bool], cursor: int | None, height: int) -> None:
    screen: list[WireRow] = [(("x", ""),) if is_filled else () for is_filled in filled]
    cursor = None if cursor is None else min(cursor, len(screen) - 1)
    top = live_top(screen, cursor, height)
    assert 0 <= top <= max(0, len(screen) - height)
    assert cursor is None or top <= cursor < top + height


def test_an_asking_tile_is_told_by_shape_word_and_colour() -> None:
    asking, working = top_edge(ASKING, 60, LOOK), top_edge(WORKING, 60, LOOK)
    assert asking.text.startswith("┏ ◆ asking ━ gpu-box/a3 ━ fix flaky tests ━")
    assert asking.text.endswith("━ 41 s ┓")
    assert working.text.startswith("┌ ▶ working ─ build-1/7c ─ nightly build ─")
    color = LOOK.theme.color("asking")
    assert any(segment.style and segment.style.color and segment.style.color.name == color for segment in asking)


def test_the_ascii_set_is_ascii() -> None:
    focused = top_edge(ASKING, 60, PLAIN, is_focused=True).text
    assert focused.isascii()
    assert "* ! asking" in focused  # focus has a marker where colour is not enough
    assert bottom_edge(WORKING, 40, PLAIN).text.isascii()
    assert UNICODE.fold("日本") == "日本"
    assert ASCII.fold("日本") == "??"


def test_only_the_focused_tile_carries_keys() -> None:
    hints = [Hint("space", "answer"), Hint("↵", "attach")]
    assert bottom_edge(ASKING, 60, LOOK, is_focused=True, hints=hints).text.startswith("┗ space answer · ↵ attach ━")
    assert bottom_edge(WORKING, 60, LOOK, hints=hints).text == "└" + "─" * 47 + " ann types ┘"


def test_hidden_rows_are_marked_by_a_dashed_edge() -> None:
    assert "┅" in top_edge(ASKING, 60, LOOK, is_cropped=True).text
    assert "┄" in bottom_edge(WORKING, 60, LOOK, is_cropped=True).text


@given(st.integers(0, 130), st.booleans(), st.sampled_from([ASKING, WORKING]), st.sampled_from(["", "a"]))
def test_edges_fill_their_width_exactly(width: int, is_focused: bool, view: TileView, label: str) -> None:
    hints = [Hint("space", "answer"), Hint("z", "zoom")]
    top = top_edge(view, width, LOOK, is_focused=is_focused, label=label)
    bottom = bottom_edge(view, width, LOOK, is_focused=is_focused, hints=hints)
    assert cell_len(top.text) == cell_len(bottom.text) == width


@pytest.mark.parametrize(
    ("row", "width", "text"),
    [
        ((("hello", ""),), 8, "hello   "),
        ((("hello world", ""),), 8, "hello w…"),
        ((("~" + " " * 9, "1"),), 8, "~       "),  # nothing is lost but coloured blanks
        ((("日本語", "", 2),), 6, "日本語"),
        ((("日本語", "", 2),), 5, "日本…"),
        ((("日本語", "", 2),), 4, "日 …"),  # half a wide character is no character
        ((("日本語", ""),), 6, "\ufffd\ufffd\ufffd   "),  # a row that lies about its widths stays in its columns
        ((("⚠️", "", -2), (" ok", "")), 6, "⚠️ ok "),
        ((("e\u0301", "", -1), ("x", "")), 3, "e\u0301x "),
        ((), 3, "   "),
    ],
)
def test_a_row_fills_its_width_with_true_characters(row: WireRow, width: int, text: str) -> None:
    drawn = "".join(segment.text for segment in row_segments(row, width, LOOK))
    assert drawn == text
    assert cell_len(drawn) == width


def test_the_cursor_reverses_its_cell_alone() -> None:
    segments = row_segments((("abc", ""),), 5, LOOK, cursor=1)
    assert [segment.text for segment in segments if segment.style and segment.style.reverse] == ["b"]
    assert "".join(segment.text for segment in segments) == "abc  "


@given(st.integers(0, 60), st.integers(1, 300), st.integers(1, 100))
def test_tiles_neither_overlap_nor_leave_the_grid(count: int, width: int, height: int) -> None:
    plan = plan_grid(count, width, height)
    regions = [plan.region(slot) for slot in range(plan.slots)]
    if width < plan.columns * 3 or height < plan.rows:
        return  # no room to speak of; widgets of one cell may share it
    area = Region(0, 0, width, height)
    assert all(area.contains_region(region) for region in regions)
    assert not any(a.overlaps(b) for at, a in enumerate(regions) for b in regions[at + 1 :])


@pytest.mark.parametrize(
    ("count", "size", "columns", "rows_"),
    [(1, (200, 54), 1, 1), (2, (200, 54), 2, 1), (36, (200, 54), 6, 6), (9, (100, 28), 2, 2), (4, (118, 38), 2, 2)],
)
def test_the_plan_shows_as_much_of_the_sessions_as_it_can(
    count: int, size: tuple[int, int], columns: int, rows_: int
) -> None:
    plan = plan_grid(count, *size)
    assert (plan.columns, plan.rows) == (columns, rows_)


def test_scrolling_moves_no_more_than_needed() -> None:
    plan = plan_grid(20, 100, 28)  # 2 x 2 slots
    assert [scroll_to(plan, 20, first, index) for first, index in ((0, 3), (0, 4), (5, 9), (5, 2), (9, 19))] == [
        0,
        1,
        4,
        1,
        8,
    ]


def test_a_toast_never_covers_the_focus() -> None:
    area, toast = Region(0, 1, 100, 30), Size(40, 2)
    assert toast_place(toast, area, None) == Offset(60, 29)
    assert toast_place(toast, area, Region(50, 15, 50, 16)) == Offset(0, 29)
    assert toast_place(toast, area, Region(0, 15, 100, 16)) == Offset(60, 1)
    assert toast_place(toast, area, area) is None
    assert toast_place(Size(200, 2), area, None) is None


def test_text_is_cut_in_columns_not_characters() -> None:
    assert fit("日本語", 5) == "日本…"
    assert fit("abc", 3) == "abc"
    assert fit("abc", 0) == ""
    assert Line(6).add("日本").add("xyz").strip().text == "日本x…"


@pytest.mark.parametrize("name", ["dark", "light", "ansi"])
def test_every_theme_has_every_role(name: str) -> None:
    theme = theme_named(name)
    assert all(theme.color(role) for role in ROLES)
    assert theme.native == (name == "ansi")
    assert theme in themes().values()


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("not toml [", "cannot be read"),
        ("[roles]\ntext = 'red'", "lacks the roles background"),
        ("[roles]\n" + "\n".join(f"{role} = '#12'" for role in ROLES), "'#12' is no colour"),
        ("[roles]\n" + "\n".join(f"{r} = 'red'" for r in ROLES) + "\n[palette]\ncolors = ['red']", "1 palette colours"),
    ],
)
def test_a_bad_theme_is_named_in_one_line(tmp_path: Path, text: str, trouble: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ThemeError, match=trouble) as caught:
        load_theme(path)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_an_unknown_theme_names_those_there_are() -> None:
    with pytest.raises(ThemeError, match="ansi, dark, light"):
        theme_named("solarised")
