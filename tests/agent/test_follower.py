"""How the follower shares its time, on a loop whose time passes only as work and rests say."""

from __future__ import annotations

import asyncio
import selectors
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node_agent.core.burst import FAR, LONGEST, Burst
from node_agent.io.clock import Clock
from node_agent.io.follower import BURST_REST, UNWATCHED_REST, UNWATCHED_REST_TYPING, Follower
from node_agent.io.live_session import LiveSession

STEP = 0.001
"""Seconds that a step takes here."""


class Time(selectors.DefaultSelector):
    """A selector that lets the time pass at once which a loop would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)

    def boot(self) -> float:
        return self.now


class Flood:
    """What the follower knows of a session, always behind; one that prints grows with each step."""

    def __init__(self, *, watched: bool, prints: bool = True) -> None:
        self.watchers = [object()] if watched else []
        self.burst = Burst()
        self.model = SimpleNamespace(head=FAR * 10)
        self.emulation = SimpleNamespace(offset=0)
        self.is_behind = True
        self.prints = prints
        self.worked = 0.0


@pytest.fixture
def time() -> Time:
    return Time()


def shares(
    time: Time, *floods: Flood, after: float = LONGEST, seconds: float = 10.0, types: bool = False
) -> list[float]:
    """The part of `seconds` that each session was worked on, from `after` the beginning on."""

    def step(session: Any) -> bool:
        time.now += STEP
        session.worked += STEP
        session.model.head += session.prints
        return True

    async def pass_time(seconds: float, follower: Follower) -> list[float]:
        for _ in range(round(seconds / 0.1)):
            if types:
                follower.be_still()
            await asyncio.sleep(0.1)
        return [flood.worked for flood in floods]

    async def follow() -> list[float]:
        asyncio.get_running_loop().time = time.boot  # type: ignore[method-assign] # the loop asks it
        follower = Follower(cast(Clock, time), step, lambda session: None)
        for flood in floods:
            follower.ready(cast(LiveSession, flood))
        before = await pass_time(after, follower)
        began = time.now
        worked = await pass_time(seconds, follower)
        follower.stop()
        return [(now - was) / (time.now - began) for now, was in zip(worked, before, strict=True)]

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(time)) as runner:
        return runner.run(follow())


def test_what_nobody_watches_leaves_time_to_what_prints_it(time: Time) -> None:
    (share,) = shares(time, Flood(watched=False))
    assert share == pytest.approx(1 / (1 + UNWATCHED_REST), rel=0.1)


def test_what_has_ended_printing_is_caught_up_with_at_once(time: Time) -> None:
    (share,) = shares(time, Flood(watched=False, prints=False))
    assert share > 0.95


def test_while_somebody_types_what_nobody_watches_gets_little(time: Time) -> None:
    (share,) = shares(time, Flood(watched=False), types=True)
    assert share < 1.2 / (1 + UNWATCHED_REST_TYPING)


def test_a_burst_is_drawn_mostly_when_it_is_over(time: Time) -> None:
    (share,) = shares(time, Flood(watched=False), after=0.0, seconds=LONGEST - 0.5)
    assert share == pytest.approx(1 / (1 + BURST_REST), rel=0.1)


def test_who_watches_does_not_wait_while_others_rest(time: Time) -> None:
    watched, *others = shares(time, Flood(watched=True), Flood(watched=False), Flood(watched=False))
    assert watched > 0.75
    assert min(others) > 0.05
