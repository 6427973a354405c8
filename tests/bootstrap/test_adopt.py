"""tmux sessions that were there before become sessions."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.home import Home

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux is installed")


@pytest.fixture
def tmux(home: Home, tmp_path: Path) -> Iterator[None]:
    """A tmux server of its own with one session in which `cat` runs; the node's tmux is that one."""
    home.env["TMUX_TMPDIR"] = str(tmp_path)
    home.env.pop("TMUX", None)
    server = ["tmux", "-f", "/dev/null", "new-session", "-d", "-s", "old work", "-x", "100", "-y", "30", "exec cat"]
    subprocess.run(server, env=home.env, check=True, timeout=20)
    yield
    subprocess.run(["tmux", "kill-server"], env=home.env, check=True, timeout=20)


def test_a_tmux_session_is_listed_shown_and_typed_into(home: Home, tmux: None) -> None:
    (found,) = home.json("adopt", "local")
    assert (found["name"], found["windows"], found["program"]) == ("old work", 1, "cat")
    assert home.run("adopt", "local", "no such").returncode == 11
    key = home.ok("adopt", "local", "old work").strip()
    home.wait_for(key, lambda session: session["program"] == "cat")  # what reads in its pane
    home.ok("send", key, "still here", "key:enter")
    pane = ["tmux", "capture-pane", "-p", "-t", "old work"]
    for _ in range(100):
        shown = subprocess.run(pane, env=home.env, check=True, capture_output=True, text=True, timeout=20).stdout
        if shown.count("still here") == 2:
            break
    assert shown.count("still here") == 2
    home.ok("kill", key)
    assert [item["name"] for item in home.json("adopt", "local")] == ["old work"]
