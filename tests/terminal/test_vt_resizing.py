"""Resizing and history: lines flow into the new width, nothing is lost, stamps tell rows apart."""

from __future__ import annotations

import random

import pytest

from node_agent.terminal.engine import EngineOptions, Pen
from node_agent.terminal.vt.engine import VtEngine
from tests.terminal.support import check_rows, traffic


def fed(text: str, columns: int = 10, rows: int = 4, history: int = 1000) -> VtEngine:
    engine = VtEngine(columns, rows, EngineOptions(history=history))
    engine.feed(text.encode())
    return engine


def everything(engine: VtEngine) -> str:
    """All lines from the oldest kept to the last, joined where they wrap."""
    parts = [line.text if not line.wrapped else line.text.ljust(engine.columns) for line in engine.history(0, 10**6)]
    ends = ["" if line.wrapped else "\n" for line in engine.history(0, 10**6)]
    for y in range(engine.rows):
        wrapped = engine.is_wrapped(y)
        parts.append(engine.text(y).ljust(engine.columns) if wrapped else engine.text(y))
        ends.append("" if wrapped else "\n")
    return "".join(part + end for part, end in zip(parts, ends, strict=True)).rstrip("\n")


@pytest.mark.parametrize("sizes", [[(7, 4)], [(23, 4)], [(10, 9)], [(10, 2)], [(3, 2), (40, 12)], [(5, 7), (10, 4)]])
def test_text_outlives_any_resizing(sizes: list[tuple[int, int]]) -> None:
    text = "".join(f"{n}:{'abcdefghijklmnopqrstuvwxyz'[: n % 26]}\r\n" for n in range(60)) + "end"
    engine = fed(text)
    for columns, rows in sizes:
        engine.resize(columns, rows)
        check_rows(engine)
        assert everything(engine) == text.replace("\r\n", "\n")


def test_wide_characters_are_not_cut() -> None:
    engine = fed("漢字漢字漢字漢字漢字漢字")
    for columns in (7, 3, 12, 9, 24):
        engine.resize(columns, 12)
        check_rows(engine)
    assert engine.text(0) == "漢字漢字漢字漢字漢字漢字"


def test_the_cursor_goes_with_its_character() -> None:
    engine = fed("abcdefghijklmno\x1b[2D")
    assert engine.cursor[:2] == (1, 3)
    engine.resize(5, 4)
    assert engine.cursor[:2] == (2, 3)
    engine.feed(b"X")
    assert engine.text(2) == "klmXo"
    engine.resize(20, 4)
    assert engine.cursor[:2] == (0, 14)


def test_pens_flow_along_and_a_coloured_background_does_not_wrap() -> None:
    engine = fed("\x1b[31mabcdefghijkl\x1b[m\r\n\x1b[44mhi\x1b[K\x1b[m")
    engine.resize(6, 5)
    assert [engine.text(y) for y in range(5)] == ["abcdef", "ghijkl", "hi", "", ""]
    assert engine.cells(1)[5].pen == Pen(1)
    assert engine.cells(2)[5].pen == Pen(None, 4)


def test_the_alternate_screen_is_cropped_and_the_main_one_flows() -> None:
    engine = fed("abcdefghijkl\x1b[?1049h\x1b[H0123456789\r\nsecond")
    engine.resize(6, 4)
    assert [engine.text(y) for y in range(2)] == ["012345", "second"]
    engine.resize(12, 4)
    engine.feed(b"\x1b[?1049l")
    assert engine.text(0) == "abcdefghijkl"
    assert engine.cursor[:2] == (0, 11)


def test_history_keeps_its_limit_and_counts_what_it_dropped() -> None:
    engine = fed("".join(f"line {n}\r\n" for n in range(100)), history=20)
    assert (engine.history_length, engine.history_dropped) == (20, 77)
    assert [line.text for line in engine.history(0, 2)] == ["line 77", "line 78"]
    engine.feed(b"\x1b[3J")
    assert (engine.history_length, engine.history_dropped) == (0, 97)


def test_history_is_off_and_alternate_screens_have_none() -> None:
    assert fed("a\r\n" * 100, history=0).history_length == 0
    assert fed("\x1b[?1049h" + "a\r\n" * 100).history_length == 0


def test_history_has_its_colours_and_can_be_searched() -> None:
    engine = fed("plain\r\n\x1b[1;31mred\x1b[m and e\u0301 漢\r\n\r\n\r\n\r\n\r\n", columns=20)
    assert [(cell.text, cell.pen) for cell in engine.history_cells(1)][:1] == [("r", Pen(1, None, 1))]
    assert engine.history(1, 2)[0].text == "red and e\u0301 漢"
    assert engine.search("e\u0301") == [1]
    assert engine.search("plain") == [0]


@pytest.mark.parametrize("seed", range(60))
def test_equal_stamps_mean_equal_rows(seed: int) -> None:
    source = random.Random(seed)
    engine = VtEngine(30, 8)
    seen: dict[int, list[tuple[object, ...]]] = {}
    for _ in range(40):
        engine.feed(traffic(source, 3, 30, 8))
        if source.random() < 0.1:
            engine.resize(source.randint(5, 40), source.randint(2, 10))
        stamps = engine.stamps()
        assert list(engine.stamps()) == list(stamps)
        for y, stamp in enumerate(stamps):
            assert seen.setdefault(stamp, list(engine.cells(y))) == list(engine.cells(y))


def test_a_scrolled_row_keeps_its_stamp() -> None:
    engine = fed("a\r\nb\r\nc\r\nd")
    before = engine.stamps()
    engine.feed(b"\r\ne")
    assert list(engine.stamps())[:3] == list(before)[1:]
