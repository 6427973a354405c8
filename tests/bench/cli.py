"""How long `relaytui ls` takes beside `tmux ls`, and how soon the console shows something."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.bench.place import bench_home, installed
from tests.bench.report import Check, Report, median, milliseconds
from tests.home import Home

SESSIONS = 12
RUNS = 15
PAINTS = 5
_MOST_LIST = 0.250
_MOST_PAINT = 0.600


def measure() -> Report:
    """Run the bench."""
    with bench_home() as home:
        home.configure()
        for number in range(SESSIONS):
            home.start("sh", "-c", f"seq {number} 500; exec cat", options=["--title", f"session number {number}"])
        for _ in range(2):
            _first_paint(home)  # fills the cache
        ours, tmux = [], []
        start_tmux = installed("tmux") and _start_tmux(home)
        for _ in range(RUNS):
            ours.append(_seconds(lambda: home.ok("ls")))
            if start_tmux:
                tmux.append(_seconds(lambda: _tmux(home, "list-sessions")))
        paints = [_first_paint(home) for _ in range(PAINTS)]
    rows = [["relaytui ls", milliseconds(median(ours))]]
    if tmux:
        rows.append(["tmux list-sessions", milliseconds(median(tmux))])
    rows.append(["first paint of the console", milliseconds(median(paints))])
    return Report(
        "Commands",
        f"{SESSIONS} sessions on the local node; process start to end, median of {RUNS}; from the start of `relaytui` "
        f"to the first tile at 200×56, with a cache, median of {PAINTS}.",
        ("", "median"),
        rows,
        (
            Check("relaytui ls at most 250 ms", median(ours) <= _MOST_LIST),
            Check("first paint at most 600 ms", median(paints) <= _MOST_PAINT),
        ),
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _start_tmux(home: Home) -> bool:
    for _ in range(SESSIONS):
        _tmux(home, "new-session", "-d", "cat")
    return True


def _tmux(home: Home, *words: str) -> None:
    command = ["tmux", "-S", str(home.directory / "tmux"), "-f", "/dev/null", *words]
    subprocess.run(command, check=True, capture_output=True, env=home.env)


def _first_paint(home: Home) -> float:
    """Seconds from the start of the console to the first tile's title."""
    began = time.perf_counter()
    with home.terminal(columns=200, rows=56) as console:
        console.wait_for(rb"session number")
        painted = time.perf_counter() - began
        console.read(1.0)
        console.type(b"q")
        console.wait()
    return painted
