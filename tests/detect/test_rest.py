"""Sessions at rest: nothing is looked at twice while nothing ran, and what runs in silence is seen soon."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node_agent.detect.evidence import Wait
from node_agent.io.probe import Prober, RefusingReader
from node_agent.io.rest_watch import RestWatch
from tests.detect.test_kernel import on_a_terminal
from tests.home import Home

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pulses are read from Linux's /proc")

PATIENCE = 20.0


@contextmanager
def prober_of(command: str) -> Iterator[Prober]:
    with on_a_terminal(command) as (pid, _):
        prober = Prober(pid)
        try:
            yield prober
        finally:
            prober.close()


def settled(prober: Prober, wait: Wait) -> None:
    """Probe until the program waits so, and has not run since it was looked at."""
    end = time.monotonic() + PATIENCE
    while prober.probe().wait is not wait or not prober.is_current:
        assert time.monotonic() < end, prober.last


@pytest.mark.parametrize(
    ("command", "wait"),
    [
        ("exec cat", Wait.READING),
        ("exec sleep 60", Wait.NOBODY),
        ("sleep 60; true", Wait.NOBODY),
        ("exec bash --norc -i", Wait.POLLING),
    ],
)
def test_what_did_not_run_is_not_looked_at_again(command: str, wait: Wait) -> None:
    with prober_of(command) as prober:
        settled(prober, wait)
        assert prober.probe() is prober.probe()


def test_what_ran_is_looked_at_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    with prober_of(f"read go <'{tmp_path}/go'; exec cat") as prober:
        settled(prober, Wait.NOBODY)
        (tmp_path / "go").write_text("go\n")
        settled(prober, Wait.READING)


def test_a_program_that_ended_was_moved() -> None:
    with on_a_terminal("exec cat") as (pid, _):
        prober = Prober(pid)
        settled(prober, Wait.READING)
        os.kill(pid, 9)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert prober.pulse.has_moved()


def test_where_nothing_may_be_seen_every_look_is_taken() -> None:
    with on_a_terminal("exec cat") as (pid, _):
        prober = Prober(pid, RefusingReader())
        prober.probe()
        assert not prober.pulse.is_possible
        assert prober.pulse.has_moved()


class Sleeper:
    """Something at rest that is stirred once it `moves`."""

    def __init__(self, moves: Callable[[], bool]) -> None:
        self._moves = moves
        self.stirred = asyncio.Event()

    def has_moved(self) -> bool:
        return self._moves()

    def stir(self) -> None:
        self.stirred.set()


async def test_only_what_moved_is_stirred_and_what_is_left_alone_is_not_looked_at() -> None:
    rest = RestWatch()
    moves = Sleeper(lambda: True)
    sleeps = Sleeper(lambda: False)
    gone = Sleeper(lambda: pytest.fail("looked at what had left"))
    for sleeper in (gone, sleeps, moves):
        rest.watch(sleeper)
    rest.leave(gone)
    async with asyncio.timeout(PATIENCE):
        await moves.stirred.wait()
    assert not sleeps.stirred.is_set()
    for sleeper in (sleeps, moves):
        rest.leave(sleeper)


@pytest.mark.full
@pytest.mark.timeout(180)
@pytest.mark.parametrize("work", ["sleep 45", "timeout 45 sh -c 'while :; do :; done'"])
def test_a_question_after_long_silence_is_seen_soon(home: Home, tmp_path: Path, work: str) -> None:
    asked = tmp_path / "asked"
    key = home.start("bash", "-c", f"{work}; touch '{asked}'; read answer")
    home.wait_for(key, lambda item: asked.exists(), 90)
    home.wait_for(key, lambda item: item["attention"] == "asking", 30)
    late = time.time() - asked.stat().st_mtime
    home.run("kill", key)
    print(f"seen after {late:.2f} s")
    assert late < 5.0  # looked at by the clock alone it would be half a minute
