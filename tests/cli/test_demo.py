"""The demo shows real sessions and ends everything it started, however it is left."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import end_processes_of, processes_of
from tests.pty_program import PtyProgram, on_terminal

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")


@pytest.fixture
def directory() -> Iterator[Path]:
    """What the demo takes for the temp directory; short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as path:
        yield Path(path)
        end_processes_of(Path(path))  # where the test has failed


def press_q(demo: PtyProgram) -> None:
    demo.type(b"q")


def terminate(demo: PtyProgram) -> None:
    os.kill(demo.pid, signal.SIGTERM)


def hang_up(demo: PtyProgram) -> None:
    os.kill(demo.pid, signal.SIGHUP)


def crash_the_console(demo: PtyProgram) -> None:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == demo.pid:
            os.kill(int(entry.parent.name), signal.SIGKILL)


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (press_q, 0),
        pytest.param(crash_the_console, 128 + signal.SIGKILL, marks=pytest.mark.full),
        pytest.param(terminate, 128 + signal.SIGTERM, marks=pytest.mark.full),
        pytest.param(hang_up, 128 + signal.SIGHUP, marks=pytest.mark.full),
    ],
)
def test_the_demo_leaves_nothing_behind(directory: Path, leave: Callable[[PtyProgram], None], code: int) -> None:
    env = os.environ | {"TMPDIR": str(directory), "TERM": "xterm-256color"}
    env.pop("RELAY_STATE_DIR", None)
    with on_terminal([sys.executable, "-m", "relaytui", "demo"], columns=200, rows=60, env=env) as demo:
        for title in (b"nightly build", b"apt upgrade", b"fix flaky tests", b"restore backup", b"access log"):
            demo.wait_for(title, timeout=60)
        assert processes_of(directory)
        leave(demo)
        assert demo.wait(30) == code
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []
