"""Checkpoints: what one engine writes any engine reads, at any token boundary, and nothing else is accepted."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from node_agent.terminal.checkpoint import load
from node_agent.terminal.engines import create_engine, restore_engine
from node_agent.terminal.tokenizer import Tokenizer
from tests.terminal.support import OF_AGENTS, OF_PROGRAMS, differences, picture, recorded, recording, traffic


def boundaries(stream: bytes) -> list[int]:
    """The offsets after each token."""
    return sorted({token.end for token in Tokenizer().feed(stream)})


def check_every_boundary(stream: bytes, columns: int, rows: int) -> int:
    """Compare a restored engine after every token of `stream`; how often that was."""
    engine = create_engine("vt", columns, rows)
    compared = 0
    for end in boundaries(stream):
        engine.feed(stream[engine.offset : end])
        if not engine.at_boundary:
            continue
        checkpoint = engine.checkpoint()
        restored = restore_engine("vt", checkpoint)
        assert restored.checkpoint() == checkpoint, end
        assert [restored.cells(y) for y in range(rows)] == [engine.cells(y) for y in range(rows)], end
        compared += 1
    return compared


@pytest.mark.parametrize("name", recorded(*OF_AGENTS))
def test_a_restored_engine_is_equal_at_every_token_boundary_of_an_agent(name: str) -> None:
    assert check_every_boundary(*recording(name)) > 300


@pytest.mark.parametrize("name", recorded(*OF_PROGRAMS))
def test_a_restored_engine_is_equal_at_every_token_boundary_of_a_program(name: str) -> None:
    stream, columns, rows = recording(name)
    assert check_every_boundary(stream[:6000], columns, rows) > 5


@pytest.mark.full
@pytest.mark.parametrize("name", recorded(*OF_PROGRAMS))
def test_a_restored_engine_is_equal_at_every_token_boundary_of_a_whole_program(name: str) -> None:
    assert check_every_boundary(*recording(name)) > 5


@pytest.mark.parametrize("name", recorded(*OF_AGENTS, *OF_PROGRAMS))
def test_a_restored_engine_goes_on_equally(name: str) -> None:
    stream, columns, rows = recording(name)
    whole = create_engine("vt", columns, rows)
    whole.feed(stream)
    for end in boundaries(stream)[::80]:
        first = create_engine("vt", columns, rows)
        first.feed(stream[:end])
        if not first.at_boundary:
            continue
        second = restore_engine("vt", json.loads(json.dumps(first.checkpoint())))
        assert second.offset == end
        second.feed(stream[end:])
        assert differences(picture(whole), picture(second)) == [], end


@pytest.mark.parametrize("seed", range(60))
def test_random_states_survive_json(seed: int) -> None:
    source = random.Random(seed)
    engine = create_engine("vt", 40, 10)
    engine.feed(traffic(source, 80, 40, 10) + b"\x18z")
    restored = restore_engine("vt", json.loads(json.dumps(engine.checkpoint())))
    assert differences(picture(engine), picture(restored)) == []
    more = traffic(source, 80, 40, 10) + b"\x18z"
    engine.feed(more)
    restored.feed(more)
    assert differences(picture(engine), picture(restored)) == []


@pytest.mark.parametrize("name", ["vt", "pyte"])
@pytest.mark.parametrize("seed", range(6))
def test_a_checkpoint_at_any_byte_goes_on_from_before_what_is_half_read(name: str, seed: int) -> None:
    stream = traffic(random.Random(seed), 40, 40, 10) + b"\x18z"
    whole = create_engine(name, 40, 10)
    whole.feed(stream)
    engine = create_engine(name, 40, 10)
    inside = 0
    for end in range(len(stream)):
        engine.feed(stream[end : end + 1])
        place = engine.settled_offset
        if place is None:
            continue
        restored = restore_engine(name, engine.checkpoint())
        assert restored.offset == place <= engine.offset
        if place == engine.offset:
            continue
        inside += 1
        if inside % 5 == 0:
            other = restore_engine(name, engine.checkpoint())
            other.feed(stream[place:])
            assert differences(picture(whole), picture(other)) == [], end
    assert inside > 50


@pytest.mark.parametrize("name", ["vt", "pyte"])
@pytest.mark.parametrize(
    ("output", "place"),
    [
        (b"text\x1b", 4),
        (b"text\x1b[1", 4),
        (b"text\x1b[1\x1b[2", 7),
        (b"text\x1b]0;title", 4),
        (b"text\x1b]0;title\x1b", 4),
        (b"text\x1b]0;title\x1b[", 13),
        (b"text\xf0\x9f", 4),
        (b"text\x1bP\xf0\x9f", 4),
        (b"text\x1b[1\n", None),
        (b"text\x1b[1\nm", 9),
        (b"text\x1bN", None),
    ],
)
def test_where_output_goes_on_after_a_half_read_sequence(name: str, output: bytes, place: int | None) -> None:
    engine = create_engine(name, 80, 24)
    for part in (output[:5], output[5:8], output[8:]):
        engine.feed(part)
    assert engine.settled_offset == place
    if place is None:
        with pytest.raises(ValueError, match="half read"):
            engine.checkpoint()


def sample() -> dict[str, Any]:
    engine = create_engine("vt", 20, 4)
    engine.feed("a\x1b[1;31mb漢e\u0301\x1b7\r\n\n\n\n\nend\x1b[>1u".encode())
    return engine.checkpoint()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("columns",), 0),
        (("columns",), "80"),
        (("rows",), 5),
        (("offset",), -1),
        (("pens",), []),
        (("pens", 0), [None, 256, 0, 0, None, None]),
        (("pens", 0), [None, [1, 2], 0, 0, None, None]),
        (("main",), None),
        (("main", "rows", 0), ["abc", [0, 2], False]),
        (("main", "rows", 0), ["x" * 21, [0, 21], False]),
        (("main", "rows", 0), ["abc", [99, 3], False]),
        (("main", "rows", 0), [["a", ""], [0, 2], False]),
        (("main", "rows", 0), ["abc", [0, 3], 1]),
        (("main", "saved"), [99, 0, False, 0, ["B", "B", "B", "B", 0, 2], False]),
        (("main", "keyboard"), [32]),
        (("active",), "third"),
        (("cursor",), [0, 20, False, 0]),
        (("cursor",), [0, 0, False]),
        (("margins",), [2, 1, 0, 19]),
        (("charsets",), ["B", "B", "B", "B", 4, 2]),
        (("modes",), ["7"]),
        (("keypad",), None),
        (("title",), 3),
        (("titles",), [["one"]]),
        (("history",), {}),
    ],
)
def test_what_is_not_a_checkpoint_is_refused(path: tuple[Any, ...], value: Any) -> None:
    checkpoint = sample()
    load(checkpoint)
    broken = copy.deepcopy(checkpoint)
    target: Any = broken
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(ValueError):
        load(broken)


def test_every_field_is_required() -> None:
    checkpoint = sample()
    for name in checkpoint:
        with pytest.raises(ValueError):
            load({key: value for key, value in checkpoint.items() if key != name})


def test_unknown_engines_are_named() -> None:
    with pytest.raises(ValueError, match="no terminal engine named 'other'"):
        create_engine("other", 80, 24)
    with pytest.raises(ValueError, match="no terminal engine named 'other'"):
        restore_engine("other", sample())
