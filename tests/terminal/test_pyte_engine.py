"""The `pyte` engine as a whole: any input, any chunking, stamps, history, resizing, checkpoints, snapshots."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node_agent.terminal.checkpoint import load
from node_agent.terminal.delta import ScreenReader, apply_delta, screen_delta
from node_agent.terminal.engine import Engine, EngineOptions, EventKind, Line
from node_agent.terminal.pyte_engine import PyteEngine
from node_agent.terminal.rows import Span
from node_agent.terminal.sanitise import mask_hidden
from node_agent.terminal.tokenizer import STRING_KEPT
from node_agent.terminal.vt.widths import cluster_width

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"

PIECES = [
    *(b"text", b"\r\n", b"\n", b"\t", b"\x08", b"\x07", b"a\r\nb\r\nc\r\nd\r\ne\r\n"),
    *("漢字".encode(), "e\u0301⚠\ufe0f".encode(), "👨\u200d👩".encode(), b"\xff\xc3", b"\xe6\xbc"),
    *(b"\x1b[1;31m", b"\x1b[48:2::1:2:3m", b"\x1b[0m", b'\x1b[1"q', b"\x1b]8;;http://x\x07"),
    *(b"\x1b[H", b"\x1b[3;5H", b"\x1b[99;99H", b"\x1b[5A", b"\x1b[2C", b"\x1bM", b"\x1bD", b"\x1b7", b"\x1b8"),
    *(b"\x1b[2J", b"\x1b[3J", b"\x1b[J", b"\x1b[1K", b"\x1b[K", b"\x1b[2X", b"\x1b[3@", b"\x1b[2P", b"\x1b[?J"),
    *(b"\x1b[2L", b"\x1b[M", b"\x1b[2S", b"\x1b[T", b"\x1b[2;4r", b"\x1b[r", b"\x1b[9b", b"\x1b#8", b"\x1bc"),
    *(b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?47h", b"\x1b[?1047l", b"\x1b[?6h", b"\x1b[?7l", b"\x1b[?7h", b"\x1b[4h"),
    *(b"\x1b[4l", b"\x1b[!p", b"\x1b(0", b"\x1b(B", b"\x0e", b"\x0f", b"\x1bN", b"\x1b[3g", b"\x1bH", b"\x1b[Z"),
    *(b"\x1b[6n", b"\x1b[c", b"\x1b[>1u", b"\x1b[?2004h", b"\x1b[?25l", b"\x1b]0;title\x07", b"\x1b]99;d=0;x\x1b\\"),
    *(b"\x1b[", b"\x1b", b"\x1b]", b"\x1bP", b"\x18", b"\x1b\\", b";", b"m", b"?"),
]
STREAMS = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=25).map(b"".join)


def make(columns: int = 12, rows: int = 5, history: int = 20) -> PyteEngine:
    return PyteEngine(columns, rows, EngineOptions(history=history))


def state(engine: PyteEngine) -> Any:
    rows = [list(engine.cells(row)) for row in range(engine.rows)]
    wraps = [engine.is_wrapped(row) for row in range(engine.rows)]
    history = [list(engine.history_cells(index)) for index in range(engine.history_length)]
    names = (engine.title, engine.icon, engine.cwd, engine.offset, engine.history_dropped)
    return rows, wraps, history, engine.cursor, engine.modes, names, engine.at_boundary


def assert_sound(engine: PyteEngine) -> None:
    for row in range(engine.rows):
        cells = engine.cells(row)
        assert len(cells) == engine.columns
        for column, cell in enumerate(cells):
            if not cell.text:
                assert column > 0
                assert cluster_width(cells[column - 1].text) == 2
    assert 0 <= engine.cursor.row < engine.rows
    assert 0 <= engine.cursor.column < engine.columns


def test_it_is_an_engine() -> None:
    engine: Engine = make()
    assert engine.name == "pyte"


@given(STREAMS, st.data())
def test_cutting_changes_nothing(stream: bytes, data: st.DataObject) -> None:
    whole, cut = make(), make()
    whole.feed(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        cut.feed(stream[start:stop])
    assert state(cut) == state(whole)
    assert cut.drain_events() == whole.drain_events()
    assert cut.drain_replies() == whole.drain_replies()
    assert_sound(whole)


@given(st.lists(st.tuples(STREAMS, st.integers(1, 15), st.integers(1, 8)), max_size=5))
def test_any_input_and_size_leaves_a_sound_screen(steps: list[tuple[bytes, int, int]]) -> None:
    engine = make()
    for stream, columns, rows in steps:
        engine.feed(stream)
        assert_sound(engine)
        engine.resize(columns, rows)
        assert (engine.columns, engine.rows) == (columns, rows)
        assert_sound(engine)


@given(st.lists(STREAMS, max_size=6))
def test_a_stamp_stands_for_one_content(streams: list[bytes]) -> None:
    engine = make()
    contents: dict[int, Any] = {}
    for stream in streams:
        engine.feed(stream)
        for row, stamp in enumerate(engine.stamps()):
            assert contents.setdefault(stamp, list(engine.cells(row))) == list(engine.cells(row))


@given(st.lists(st.tuples(STREAMS, st.integers(0, 9)), max_size=6))
@example([(" \u061c".encode(), 1)])
def test_deltas_follow_the_engine(steps: list[tuple[bytes, int]]) -> None:
    engine = make()
    reader, held, model = ScreenReader(engine), None, None
    for stream, size in steps:
        engine.feed(stream)
        if size == 0:
            engine.resize(10 + len(stream) % 4, 5)
        current = reader.read()
        delta = screen_delta(held, current)
        if delta is not None:
            model = apply_delta(model or type(current)(), json.loads(json.dumps(delta)))
        assert current == ScreenReader(engine).read()
        assert model == current._replace(rows=tuple(tuple(map(masked, row)) for row in current.rows))
        held = current


def masked(span: Span) -> Span:
    """A span as it is read from the wire: what would turn or hide text is marked there."""
    return cast("Span", (mask_hidden(str(span[0])), *span[1:]))


@given(STREAMS, STREAMS)
def test_a_checkpoint_restores_everything(before: bytes, after: bytes) -> None:
    engine = make()
    engine.feed(before + b"\x18\x1b[m")
    if engine.settled_offset is None:
        with pytest.raises(ValueError, match="half read"):
            engine.checkpoint()
        return
    checkpoint = engine.checkpoint()
    assert json.loads(json.dumps(checkpoint)) == checkpoint
    restored = PyteEngine.restore(load(checkpoint), EngineOptions(history=20))
    assert state(restored) == state(engine)
    for one in (engine, restored):
        one.drain_events()
        one.drain_replies()
        one.feed(after)
    assert state(restored) == state(engine)
    assert restored.drain_replies() == engine.drain_replies()


def test_a_checkpoint_waits_for_the_end_of_a_sequence() -> None:
    engine = make()
    boundaries = []
    for part in (b"\x1b", b"[3", b"1", b"m", b"\x1bN", b"x", b"\xe6", b"\xbc\xa2", b"\x1b]0;", b"\x07"):
        engine.feed(part)
        boundaries.append(engine.at_boundary)
    assert boundaries == [False, False, False, True, False, True, False, True, False, True]


def test_history_keeps_rows_that_leave_the_main_screen() -> None:
    engine = make(10, 3, history=4)
    engine.feed(b"".join(b"line %d\r\n" % number for number in range(9)))
    assert [line.text for line in engine.history(0, 99)] == ["line 3", "line 4", "line 5", "line 6"]
    assert (engine.history_length, engine.history_dropped) == (4, 3)
    assert "".join(cell.text for cell in engine.history_cells(0)) == "line 3"
    engine.feed(b"\x1b[?1049h" + b"alt\r\n" * 9 + b"\x1b[?1049l")
    assert (engine.history_length, engine.history_dropped) == (4, 3)
    engine.feed(b"\x1b[3J")
    assert (engine.history_length, engine.history_dropped) == (0, 7)


def test_only_the_top_of_the_screen_is_history() -> None:
    engine = make(10, 4)
    engine.feed(b"a\r\nb\r\nc\r\nd\x1b[2;4r\x1b[4;1H\n\n")
    assert engine.history_length == 0
    engine.feed(b"\x1b[1;3r\x1b[3;1H\n")
    assert engine.history(0, 9) == [Line("a", False)]


def test_soft_wraps_are_known() -> None:
    engine = make(5, 3)
    engine.feed(b"abcdefg\r\nx\r\ny\r\nz")
    assert engine.history(0, 9) == [Line("abcde", True), Line("fg", False)]
    engine.feed(b"\r\x1b[2Jabcdef\x1b[A\x1b[K")
    assert not engine.is_wrapped(engine.cursor.row)


def test_resizing_keeps_the_cursor_and_the_history() -> None:
    engine = make(10, 4)
    engine.feed(b"a\r\nb\r\nc\r\nd")
    engine.resize(10, 2)
    assert [engine.text(row) for row in range(2)] == ["c", "d"]
    assert [line.text for line in engine.history(0, 9)] == ["a", "b"]
    assert engine.cursor[:2] == (1, 1)
    engine.resize(12, 4)
    assert [engine.text(row) for row in range(4)] == ["c", "d", "", ""]


def test_scrolling_keeps_the_stamps_of_rows_that_moved() -> None:
    engine = make(10, 4)
    engine.feed(b"a\r\nb\r\nc\r\nd")
    before = list(engine.stamps())
    engine.feed(b"\r\n")
    assert list(engine.stamps())[:3] == before[1:]


def test_memory_is_bounded_whatever_is_open() -> None:
    engine = make()
    engine.feed(b"\x1b]0;" + b"x" * (2 * STRING_KEPT))
    engine.feed(b"\x07" + b"\x1b[6n\x07" * 5000 + b"\x1b[>1u\x1b[22;0t" * 1000)
    assert len(engine.title) <= 4096
    assert len(engine.drain_replies()) <= 128
    assert len(engine.drain_events()) <= 256
    assert len(json.dumps(engine.checkpoint())) < 200_000


@given(STREAMS)
@example("texttext👨\u200d👩e\u0301⚠\ufe0f".encode())  # a wrap waits after a cell of several code points
@settings(max_examples=60)
def test_a_snapshot_shows_the_same_screen(stream: bytes) -> None:
    engine, copy = make(), make()
    engine.feed(stream + b"\x18")
    if not engine.at_boundary:
        engine.feed(b"x")
    copy.feed(engine.snapshot())
    assert [list(copy.cells(row)) for row in range(5)] == [list(engine.cells(row)) for row in range(5)]
    assert copy.cursor == engine.cursor
    assert copy.modes == engine.modes


def fuzz(seed: int, size: int) -> None:
    rng = random.Random(seed)
    engine = PyteEngine(80, 24)
    likely = [27, 91, 63, 59, 49, 109, 72, 74, 93, 62]
    for _ in range(size // 1000):
        block = bytes(rng.choice([*likely, rng.randrange(256), rng.randrange(32, 127)]) for _ in range(1000))
        engine.feed(block)
        if rng.random() < 0.1:
            engine.resize(rng.randrange(1, 200), rng.randrange(1, 60))
        assert_sound(engine)


def test_random_bytes_never_raise() -> None:
    fuzz(1, 300_000)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 22))
def test_many_random_bytes_never_raise(seed: int) -> None:
    fuzz(seed, 2_000_000)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="recordings of real programs are not beside the project")
@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("claude", "Do you want to proceed?"),
        ("codex", "Would you like to run the following command?"),
        ("opencode", "Permission required"),
    ],
)
def test_recordings_end_at_their_question(name: str, question: str) -> None:
    engine = PyteEngine(110, 40)
    engine.feed((RECORDINGS / f"{name}.raw").read_bytes())
    assert any(question in engine.text(row) for row in range(40))
    assert engine.drain_replies()
    assert any(event.kind is EventKind.TITLE for event in engine.drain_events())
