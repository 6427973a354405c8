"""The demo, run from the wheel as README's first command does, shows real sessions and ends everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import end_processes_of, processes_of
from tests.pty_program import PtyProgram, on_terminal

SOURCE = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")


@pytest.fixture
def directory() -> Iterator[Path]:
    """What the demo takes for the temp directory; short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as path:
        yield Path(path)
        end_processes_of(Path(path))  # where the test has failed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip unpacks it: an editable install has files that may be missing there."""
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, "--target", str(place), str(SOURCE)], check=True, stdin=subprocess.DEVNULL, timeout=100)
    return place


def from_wheel(wheel: Path) -> dict[str, str]:
    """The environment in which Python takes its modules from the wheel and not from the checkout."""
    return {"PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"}


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
def test_the_demo_leaves_nothing_behind(
    directory: Path, wheel: Path, leave: Callable[[PtyProgram], None], code: int
) -> None:
    env = os.environ | from_wheel(wheel) | {"TMPDIR": str(directory), "TERM": "xterm-256color"}
    env.pop("RELAY_STATE_DIR", None)
    with on_terminal([sys.executable, "-m", "relaytui", "demo"], columns=200, rows=60, env=env) as demo:
        for title in (b"nightly build", b"apt upgrade", b"fix flaky tests", b"restore backup", b"access log"):
            demo.wait_for(title, timeout=60)
        assert processes_of(directory)
        leave(demo)
        assert demo.wait(30) == code
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []


def test_the_wheel_has_every_file_that_is_no_code(wheel: Path) -> None:
    packages = [path for name in ("relaytui", "node_agent") for path in (SOURCE / name).rglob("*") if is_data(path)]
    shipped = {str(path.relative_to(SOURCE)) for path in packages}
    shipped |= {f"relaytui/themes/{path.name}" for path in (SOURCE / "themes").glob("*.toml")}
    assert len(shipped) > 20
    assert sorted(name for name in shipped if not (wheel / name).is_file()) == []


def is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".py", ".pyc")


def test_the_wheel_is_whole_by_itself(wheel: Path) -> None:
    look = (
        "import relaytui, node_agent.bundle, relaytui.widgets.theme as theme; print(relaytui.__file__); "
        "print(*sorted(theme.themes())); print(len(node_agent.bundle.read_bundle().pack()) > 100_000)"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("RELAY")} | from_wheel(wheel)
    done = subprocess.run([sys.executable, "-c", look], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [str(wheel / "relaytui" / "__init__.py"), "ansi dark light", "True"]
