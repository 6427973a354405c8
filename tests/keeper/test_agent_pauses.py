"""How long the keeper waits before it starts the next agent, on a clock of the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from node_agent.io.failure import Failure
from node_agent.keeper import agent_watch
from node_agent.keeper.agent_watch import AgentWatch
from node_agent.keeper.loop import Loop, Timer


class StillLoop(Loop):
    """A loop whose time passes when told: `pass_time` goes to the next timer and calls it."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.time = 100.0
        self.timers: list[Timer] = []

    def now(self) -> float:
        return self.time

    def call_at(self, deadline: float, call: Callable[[], None]) -> Timer:
        timer = Timer(deadline, call)
        self.timers.append(timer)
        return timer

    def pass_time(self) -> None:
        self.timers.sort(key=lambda timer: timer.deadline)
        timer = self.timers.pop(0)
        if timer.call is not None:
            self.time = max(self.time, timer.deadline)
            timer.call()


class Pauses:
    """A watch over agents that are real processes and end as told."""

    def __init__(self) -> None:
        self.loop = StillLoop()
        self.peers: list[Any] = []
        self.watch = AgentWatch(self.loop, lambda: self.peers)

    def start(self, code: int) -> float:
        """The seconds until the next agent, which then ends with `code`."""
        began = self.loop.now()
        self.watch.keep(("sh", "-c", f"exit {code}"))
        while self.watch.pid is None:
            self.loop.pass_time()
        waited, pid = self.loop.now() - began, self.watch.pid
        assert self.watch.reaped(*os.waitpid(pid, 0))
        return waited

    def connect(self) -> None:
        """An agent that somebody else started comes."""
        now = self.loop.now()
        self.peers.append(SimpleNamespace(watched=True, pid=0, came=now, heard=now))
        self.watch.peers_changed()

    def live(self, seconds: float) -> None:
        """It lives so long, pinging, and is gone."""
        end = self.loop.now() + seconds
        while self.loop.now() < end:
            self.peers[0].heard = self.loop.now()
            self.loop.pass_time()
        self.peers.clear()
        self.watch.peers_changed()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def test_an_agent_that_fails_is_started_ever_more_slowly(pauses: Pauses) -> None:
    assert [pauses.start(1) for _ in range(11)] == pytest.approx(
        [1.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    )


def test_an_agent_that_finds_the_lock_held_is_tried_again_soon(pauses: Pauses) -> None:
    """As long as another starts, which on a busy machine takes its time; that one has not failed."""
    lock_held = agent_watch.ANOTHER_STARTS
    assert [pauses.start(Failure.ALREADY_RUNNING) for _ in range(10)] == pytest.approx([1.0, *[lock_held] * 9])
    pauses.connect()
    pauses.live(5.0)
    assert pauses.start(1) == pytest.approx(agent_watch.BACKOFF_FIRST)


def test_an_agent_of_somebody_else_that_settled_ends_the_slowness(pauses: Pauses) -> None:
    slow = [pauses.start(1) for _ in range(8)][-1]
    pauses.connect()
    pauses.live(agent_watch.SETTLED_AFTER / 2)
    assert pauses.start(1) > slow  # it may have failed as ours did
    pauses.connect()
    pauses.live(agent_watch.SETTLED_AFTER + 5.0)
    assert pauses.start(1) == pytest.approx(agent_watch.BACKOFF_FIRST)
