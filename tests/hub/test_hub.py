"""The hub as a process: it serves, sends, lends its links, and goes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.home import Home


@pytest.fixture
def hub(home: Home) -> Iterator[int]:
    """A hub that has been started, by its pid."""
    home.ok("hub", "start")
    try:
        yield home.json("hub", "status")["pid"]
    finally:
        home.run("hub", "stop")


def test_a_hub_starts_once_serves_and_stops(home: Home, hub: int) -> None:
    assert home.run("hub", "start").stderr == f"it runs already, process {hub}\n"
    done = home.run("hub", "run")
    assert (done.returncode, done.stderr.count("\n")) == (18, 1)
    home.ok("hub", "stop")
    assert home.run("hub", "status").returncode == 17
    assert home.run("hub", "stop").returncode == 17


def test_a_hub_that_was_killed_is_replaced(home: Home, hub: int) -> None:
    os.kill(hub, signal.SIGKILL)
    home.ok("hub", "start")
    assert home.json("hub", "status")["pid"] != hub


def test_the_unit_runs_this_python(home: Home) -> None:
    assert f"ExecStart={sys.executable} -m relaytui hub run" in home.ok("hub", "unit")
