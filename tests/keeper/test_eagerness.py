"""Who prints little is read at once; a flood rests between turns, and rests longer while somebody types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node_agent.keeper.eagerness import ALLOWANCE, REST, REST_TYPING, TYPING, Eagerness, Typing
from node_agent.keeper.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop(lambda: None)
    yield made
    made.close()


def test_only_a_flood_rests_and_reads_on_afterwards(loop: Loop) -> None:
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: REST, rests.append)
    eagerness.has_read(ALLOWANCE // 2)
    assert rests == []
    eagerness.has_read(ALLOWANCE)
    eagerness.has_read(ALLOWANCE)
    assert rests == [True]
    loop.call_after(2 * REST, lambda: setattr(loop, "stopped", True))
    loop.run()
    assert rests == [True, False]


def test_a_key_ends_the_rest_and_the_end_of_the_terminal_is_no_end_of_a_rest(loop: Loop) -> None:
    rests: list[bool] = []
    eagerness = Eagerness(loop, lambda: 60.0, rests.append)
    eagerness.end_rest()
    assert rests == []
    eagerness.has_read(2 * ALLOWANCE)
    eagerness.end_rest()
    assert rests == [True, False]
    eagerness.has_read(2 * ALLOWANCE)
    eagerness.stop()
    eagerness.end_rest()
    assert rests == [True, False, True]


def test_rests_are_longer_while_somebody_types() -> None:
    typing = Typing()
    assert typing.rest(100.0) == REST
    typing.key(100.0)
    assert typing.rest(100.5) == REST_TYPING
    assert typing.rest(100.0 + TYPING) == REST
