"""The two engines side by side: the same screens on what both claim, and either goes on where the other stopped."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from node_agent.terminal.engine import Engine
from node_agent.terminal.engines import PYTE, VT, create_engine, restore_engine
from tests.terminal.support import RECORDINGS, chunks, picture, traffic

COMPARED = ("main", "alternate", "active", "cursor", "pen", "modes", "title", "icon", "cwd", "margins", "charsets")
NOT_IN_BOTH = re.compile(
    rb"\x1b\[\?(45|69)[hlsr]"  # reverse wrap, left and right margins
    rb"|\x1b\[[\d;]+s"  # SCOSC with parameters
    rb"|\x1b\[\d*(?:'[}~]| [@A])|\x1b[69]"  # inserting and deleting columns
    rb"|\xe2\x80\x8d(?!\xf0)"  # ZWJ before what is no emoji of two columns
)


def shown(engine: Engine) -> dict[str, Any]:
    """What an operator can see, with the cells of every row."""
    return {
        "cells": [engine.cells(y) for y in range(engine.rows)],
        "cursor": engine.cursor,
        "title": engine.title,
        "modes": engine.modes,
        "history": [line.text for line in engine.history(0, engine.history_length)],
    }


def different(first: Engine, second: Engine) -> list[str]:
    one, other = shown(first), shown(second)
    return [name for name in one if one[name] != other[name]]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of real agents are not beside the checkout")
@pytest.mark.parametrize("name", ["claude", "codex", "opencode"])
def test_recordings_look_the_same_in_both_engines_all_the_way(name: str) -> None:
    stream = (RECORDINGS / f"{name}.raw").read_bytes()
    vt, pyte = create_engine(VT, 110, 40), create_engine(PYTE, 110, 40)
    for part in chunks(stream, 700):
        vt.feed(part)
        pyte.feed(part)
        assert different(vt, pyte) == [], vt.offset
    assert vt.drain_events() == pyte.drain_events()
    assert vt.drain_replies() == pyte.drain_replies()


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of real agents are not beside the checkout")
@pytest.mark.parametrize("name", ["claude", "codex", "opencode"])
@pytest.mark.parametrize(("first", "second"), [(VT, PYTE), (PYTE, VT)])
def test_either_engine_goes_on_from_the_others_checkpoint(name: str, first: str, second: str) -> None:
    stream = (RECORDINGS / f"{name}.raw").read_bytes()
    whole = create_engine(VT, 110, 40)
    whole.feed(stream)
    taken_over = 0
    for cut in range(0, len(stream), len(stream) // 12):
        engine = create_engine(first, 110, 40)
        engine.feed(stream[:cut])
        if not engine.at_boundary:
            continue
        other = restore_engine(second, engine.checkpoint())
        assert different(engine, other) == [], cut
        other.feed(stream[cut:])
        assert different(whole, other) == [], cut
        taken_over += 1
    assert taken_over > 3


@pytest.mark.parametrize("seed", range(120))
def test_random_traffic_looks_the_same_in_both_engines(seed: int) -> None:
    stream = NOT_IN_BOTH.sub(b"", traffic(random.Random(seed), 60, 40, 10)) + b"\x18z"
    vt, pyte = create_engine(VT, 40, 10), create_engine(PYTE, 40, 10)
    vt.feed(stream)
    pyte.feed(stream)
    assert different(vt, pyte) == []


def test_pictures_of_both_engines_have_the_same_parts() -> None:
    vt, pyte = picture(create_engine(VT, 20, 5)), picture(create_engine(PYTE, 20, 5))
    assert {name: vt[name] for name in COMPARED} == {name: pyte[name] for name in COMPARED}
