"""Who prints little is read at once; a flood rests between turns while somebody types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node_agent.keeper.eagerness import ALLOWANCE, REST, TYPING, Eagerness, Typing
from node_agent.keeper.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop(lambda: None)
    yield made
    made.close()


def test_only_a_flood_rests_and_reads_on_afterwards(loop: Loop) -> None:
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: True, rests.append)
    eagerness.has_read(ALLOWANCE // 2)
    assert rests == []
    eagerness.has_read(ALLOWANCE)
    eagerness.has_read(ALLOWANCE)
    assert rests == [True]
    loop.call_after(2 * REST, lambda: setattr(loop, "stopped", True))
    loop.run()
    assert rests == [True, False]


def test_a_flood_is_not_held_against_what_comes_after_it(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(loop, "now", lambda: now)
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: now > 101, rests.append)
    eagerness.has_read(1000 * ALLOWANCE)
    now = 101.5
    eagerness.has_read(100)
    assert rests == []


def test_no_flood_rests_while_nobody_types(loop: Loop) -> None:
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: False, rests.append)
    eagerness.has_read(100 * ALLOWANCE)
    assert rests == []


def test_a_key_ends_the_rest_and_the_end_of_the_terminal_is_no_end_of_a_rest(loop: Loop) -> None:
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: True, rests.append)
    eagerness.end_rest()
    assert rests == []
    eagerness.has_read(2 * ALLOWANCE)
    eagerness.end_rest()
    assert rests == [True, False]
    eagerness.has_read(2 * ALLOWANCE)
    eagerness.stop()
    eagerness.end_rest()
    assert rests == [True, False, True]


def test_somebody_types_for_a_moment_after_a_key() -> None:
    typing = Typing()
    assert not typing.is_on(100.0)
    typing.key(100.0)
    assert typing.is_on(100.5)
    assert not typing.is_on(100.0 + TYPING)
