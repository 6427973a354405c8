"""How fast a child may print: nobody looks, everything is recorded and emulated."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.bench.place import bench_home, installed
from tests.bench.report import Check, Report, median
from tests.home import Home

PAIRS = 7
COMMAND = "seq 1 2000000"
MEGABYTES = 16.9
_SHARE = 0.95
_PATIENCE = 120.0


def measure() -> Report:
    """Run the bench."""
    if not installed("tmux"):
        return Report("Throughput", "tmux is not installed: nothing to compare with.", (), ())
    with bench_home() as home:
        home.ok("ls")  # starts the node
        pairs = [(_ours(home, number), _tmux(home, number)) for number in range(PAIRS)]
    ours, tmux = (median([pair[side] for pair in pairs]) for side in (0, 1))
    ratio = median([theirs / mine for mine, theirs in pairs])
    return Report(
        "Throughput of a child",
        f"`{COMMAND}` ({MEGABYTES} MB), from its start to its end, {PAIRS} interleaved pairs at 120×40; median.",
        ("", "seconds", "MB/s"),
        [[name, f"{value:.2f}", f"{MEGABYTES / value:.1f}"] for name, value in (("relaytui", ours), ("tmux", tmux))],
        (Check(f"at least {_SHARE} × tmux: {ratio:.2f} ×, median of the pairs", ratio >= _SHARE),),
    )


def _script(mark: Path) -> str:
    """Prints, and leaves its start and end in nanoseconds beside."""
    return f"date +%s%N > {mark}.began; {COMMAND}; date +%s%N > {mark}.new; mv {mark}.new {mark}.ended"


def _seconds(mark: Path) -> float:
    """How long the script took, by its own clock."""
    deadline = time.monotonic() + _PATIENCE
    ended = mark.with_suffix(".ended")
    while not ended.exists():
        assert time.monotonic() < deadline, "the child does not end"
        time.sleep(0.05)
    return (int(ended.read_text()) - int(mark.with_suffix(".began").read_text())) / 1e9


def _ours(home: Home, number: int) -> float:
    mark = home.directory / f"ours-{number}"
    key = home.start("sh", "-c", _script(mark))
    seconds = _seconds(mark)
    home.wait_printed(key, "2000000", timeout=_PATIENCE)  # the screen has caught up: the next run is not slowed by it
    return seconds


def _tmux(home: Home, number: int) -> float:
    mark = home.directory / f"tmux-{number}"
    socket = str(home.directory / "tmux")
    size = ["-x", "120", "-y", "40"]
    subprocess.run(
        ["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", *size, _script(mark)], check=True, env=home.env
    )
    return _seconds(mark)
