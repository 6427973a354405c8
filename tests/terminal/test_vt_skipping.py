"""Skipping: only to points where the screen comes out the same, and there it does."""

from __future__ import annotations

import random

import pytest

from node_agent.terminal.vt.engine import VtEngine
from tests.terminal.support import differences, picture, traffic

HISTORY = {"history", "history_dropped"}
SPRAY = b"spray \x1b[5;7Hof \x1b[31mtext\x1b[m\r\nand more \x1b[K"
MANY_LINES = b"".join(b"line %d\r\n" % n for n in range(40))


def skipped_and_whole(before: bytes, data: bytes) -> tuple[int | None, VtEngine, VtEngine]:
    skipping, whole = VtEngine(40, 8), VtEngine(40, 8)
    for engine in (skipping, whole):
        engine.feed(before)
    place = skipping.skip_to_sync(data)
    skipping.feed(data[place or 0 :])
    whole.feed(data)
    return place, skipping, whole


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (SPRAY + b"\x1b[H\x1b[2Jnew", len(SPRAY)),
        (SPRAY + b"\x1b[2J\x1b[3;4Hnew", len(SPRAY)),
        (SPRAY * 3 + b"\x1bcnew", len(SPRAY) * 3),
        (b"\x1b7" + SPRAY + b"\x1bcnew", len(SPRAY) + 2),
        (SPRAY + MANY_LINES + b"question? ", len(SPRAY)),
        (b"\x1b[44;1m" + SPRAY + b"\x1b[33m\x1b[?25l\x1b[H\x1b[2Jblue", 7 + len(SPRAY) + 11),
        (b"\x1b]2;title\x07\x07" + SPRAY + b"\x1b[2J\x1b[Hx\x1b[2b", 11 + len(SPRAY)),
        # nothing to be proved
        (SPRAY, None),
        (SPRAY + b"\x1b[2Jcursor unknown", None),
        (SPRAY + b"\x1b7" + SPRAY + b"\x1b[H\x1b[2J\x1b8", None),
        (SPRAY + b"\x1bH\x1b[H\x1b[2J\tx", None),
        (SPRAY + b"\x1b[?1049h\x1b[H\x1b[2J\x1b[?1049l", None),
        (SPRAY + b"\x1b[2;5r" + MANY_LINES, None),
        (SPRAY + b"\r\n".join([b"few lines"] * 6) + b"\r\n", None),
        (SPRAY + b"\x1b(0\x1b[H\x1b[2Jqqq", None),
    ],
)
def test_where_output_may_be_passed_over(data: bytes, place: int | None) -> None:
    found, skipping, whole = skipped_and_whole(b"old\x1b[2;2H", data)
    assert found == place
    assert set(differences(picture(whole), picture(skipping))) <= HISTORY
    assert skipping.drain_events() == whole.drain_events()


def test_queries_that_were_passed_over_are_not_answered() -> None:
    _, skipping, _ = skipped_and_whole(b"", b"\x1b[c\x1b[6n" + SPRAY + b"\x1b[H\x1b[2J\x1b[5n")
    assert [reply.data for reply in skipping.drain_replies()] == [b"\x1b[0n"]


def test_nothing_is_passed_over_inside_a_sequence() -> None:
    engine = VtEngine(40, 8)
    engine.feed(b"\x1b]2;tit")
    assert engine.skip_to_sync(b"le\x07" + SPRAY + b"\x1bc") is None
    assert engine.offset == 7


@pytest.mark.parametrize("seed", range(200))
def test_random_output_gives_the_same_screen_after_any_allowed_skip(seed: int) -> None:
    source = random.Random(seed)
    points = [b"\x1b[H\x1b[2J", b"\x1b[2J\x1b[2;3H", b"\x1bc", MANY_LINES]
    before = traffic(source, 15, 40, 8) + b"\x18z"
    data = b"".join(traffic(source, source.randint(1, 6), 40, 8) + source.choice(points) for _ in range(4))
    data += traffic(source, 5, 40, 8) + b"\x18z"
    _, skipping, whole = skipped_and_whole(before, data)
    assert set(differences(picture(whole), picture(skipping))) <= HISTORY


def test_random_skips_happen() -> None:
    places = []
    for seed in range(100):
        source = random.Random(seed)
        data = b"".join(traffic(source, 2, 40, 8) + b"\x1b[H\x1b[2J" for _ in range(4))
        places.append(VtEngine(40, 8).skip_to_sync(data))
    assert sum(place is not None for place in places) > 50
