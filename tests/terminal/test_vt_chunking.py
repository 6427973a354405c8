"""The vt engine gives the same result for any chunking, and never raises."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node_agent.terminal.rows import row_spans
from node_agent.terminal.vt.engine import VtEngine
from tests.terminal.support import (
    CLUSTERS,
    OF_AGENTS,
    OF_PROGRAMS,
    check_rows,
    chunks,
    differences,
    picture,
    recorded,
    recording,
    traffic,
)


def fed(parts: list[bytes], columns: int = 40, rows: int = 8) -> VtEngine:
    engine = VtEngine(columns, rows)
    for part in parts:
        engine.feed(part)
    engine.feed(b"\x18z")  # ends whatever is half read or shifted, so that states can be compared
    return engine


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_any_chunking_gives_the_same_state(seed: int, data: st.DataObject) -> None:
    stream = traffic(random.Random(seed), 40, 40, 8)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole, cut = fed([stream]), fed(parts)
    assert differences(picture(whole), picture(cut)) == []
    assert whole.drain_events() == cut.drain_events()
    assert whole.drain_replies() == cut.drain_replies()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_single_bytes_give_the_same_state(seed: int) -> None:
    stream = traffic(random.Random(seed), 25, 40, 8)
    assert differences(picture(fed([stream])), picture(fed(list(chunks(stream, 1))))) == []


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 8, 40])
@pytest.mark.parametrize("before", ["", "ab", "👩\u200d", "\x1b[?7l", "\x1b[4hxyz\r", "\x1b[?69h\x1b[2;4s", "\x1b(0"])
def test_text_lies_in_the_same_cells_whole_and_character_by_character(before: str, columns: int) -> None:
    source = random.Random(columns)
    for _ in range(60):
        text = "".join(source.choices([*CLUSTERS, "☀\ufe0f", "1\ufe0f\u20e3", "a", "bc "], k=source.randint(1, 9)))
        pieces = [character.encode() for character in text]
        whole, cut = fed([before.encode(), text.encode()], columns), fed([before.encode(), *pieces], columns)
        check_rows(whole)
        assert differences(picture(whole), picture(cut)) == [], text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 7))
def test_any_bytes_are_survived(stream: bytes, size: int) -> None:
    whole, cut = fed([stream]), fed(list(chunks(stream, size)))
    check_rows(whole)
    assert differences(picture(whole), picture(cut)) == []


@pytest.mark.parametrize("name", recorded(*OF_AGENTS, *OF_PROGRAMS))
def test_recordings_give_the_same_state_in_any_size_of_part(name: str) -> None:
    stream, columns, rows = recording(name)
    whole = fed([stream], columns, rows)
    check_rows(whole)
    for size in (1, 7, 4096):
        assert differences(picture(whole), picture(fed(list(chunks(stream, size)), columns, rows))) == [], size


def fuzz(total: int, seed: int) -> None:
    """Feed `total` bytes of random traffic with resizes to engines of random sizes, checking rows as it goes."""
    source = random.Random(seed)
    left = total
    while left > 0:
        columns, rows = source.choice([(80, 24), (120, 40), (1, 1), (2, 3), (7, 200), (300, 5)])
        engine = VtEngine(columns, rows)
        for _ in range(20):
            data = traffic(source, 150, columns, rows) * source.choice([1, 1, 8])
            left -= len(data)
            for part in chunks(data, source.choice([1000, 4096, 65536])):
                engine.feed(part)
            if source.random() < 0.4:
                columns, rows = source.randint(1, 150), source.randint(1, 60)
                engine.resize(columns, rows)
            check_rows(engine)


def test_ten_million_bytes_of_traffic_with_resizes() -> None:
    fuzz(10_000_000, seed=int(os.environ.get("FUZZ_SEED", "4")))


@pytest.mark.full
@pytest.mark.timeout(4 * 3600)
def test_a_thousand_million_bytes_of_traffic_with_resizes() -> None:
    fuzz(10**9, seed=int(os.environ.get("FUZZ_SEED", "5")))


@pytest.mark.parametrize("seed", range(40))
def test_spans_are_those_of_the_cells(seed: int) -> None:
    engine = fed([traffic(random.Random(seed), 60, 40, 8)])
    for y in range(engine.rows):
        assert engine.spans(y) == row_spans(engine.cells(y))
