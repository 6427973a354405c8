"""Snapshots: the ANSI brings a fresh terminal to the same state, and it stays the same."""

from __future__ import annotations

import random
import re

import pytest

from node_agent.terminal.engine import Engine, EventKind
from node_agent.terminal.engines import create_engine
from node_agent.terminal.tokenizer import Tokenizer
from tests.terminal.support import OF_AGENTS, OF_PROGRAMS, differences, picture, recorded, recording, traffic

USES_WHAT_IS_NOT_CARRIED = re.compile(rb"\x1b\[(\?\d*r|23t|[\d;]*b)")  # XTRESTORE, popping titles, REP
NOT_CARRIED = {"offset", "history", "history_dropped", "titles", "saved_modes", "last"}


def reproduced(engine: Engine, history: int = 0) -> Engine:
    copy = create_engine("vt", engine.columns, engine.rows)
    copy.feed(engine.snapshot(history))
    return copy


def visible_differences(first: Engine, second: Engine) -> set[str]:
    return set(differences(picture(first), picture(second))) - NOT_CARRIED


@pytest.mark.parametrize("name", recorded(*OF_AGENTS, *OF_PROGRAMS))
def test_a_snapshot_reproduces_recordings_and_what_follows(name: str) -> None:
    stream, columns, rows = recording(name)
    ends = sorted({token.end for token in Tokenizer().feed(stream)})
    for end in ends[:: max(1, len(ends) // 40)]:
        engine = create_engine("vt", columns, rows)
        engine.feed(stream[:end])
        if not engine.at_boundary:
            continue
        copy = reproduced(engine)
        assert visible_differences(engine, copy) == set(), end
        more = stream[end : end + 20_000]
        engine.feed(more)
        copy.feed(more)
        if engine.at_boundary:
            assert visible_differences(engine, copy) == set(), end


@pytest.mark.parametrize("seed", range(150))
def test_a_snapshot_reproduces_random_states(seed: int) -> None:
    source = random.Random(seed)
    engine = create_engine("vt", 40, 10)
    engine.feed(traffic(source, 100, 40, 10) + b"\x18z")
    copy = reproduced(engine)
    assert visible_differences(engine, copy) == set()
    more = USES_WHAT_IS_NOT_CARRIED.sub(b"", traffic(source, 300, 40, 10)) + b"\x18z"
    engine.feed(more)
    copy.feed(more)
    assert visible_differences(engine, copy) == set()


def test_history_comes_first() -> None:
    engine = create_engine("vt", 20, 5)
    engine.feed(b"".join(b"line %d \x1b[3%dmcolour\x1b[m\r\n" % (n, n % 8) for n in range(50)) + b"x" * 45)
    copy = reproduced(engine, history=30)
    assert visible_differences(engine, copy) == set()
    length = engine.history_length
    assert copy.history(0, 99) == engine.history(length - 30, length)
    assert [copy.history_cells(n) for n in range(30)] == [engine.history_cells(length - 30 + n) for n in range(30)]


def test_a_snapshot_asks_nothing_and_rings_nothing() -> None:
    engine = create_engine("vt", 80, 24)
    engine.feed(b"\x1b]2;title\x07\x1b[?1049h\x1b[5;5Htext\x1b[6n\x07")
    copy = reproduced(engine)
    assert copy.drain_replies() == []
    assert {event.kind for event in copy.drain_events()} == {EventKind.TITLE, EventKind.ALTERNATE_SCREEN}


def test_a_snapshot_of_a_blank_terminal_is_next_to_nothing() -> None:
    assert len(create_engine("vt", 200, 60).snapshot()) < 200
