"""A tmux client as a session: what is asked in the pane it shows is known by the pane's own processes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.io.tmux import adopt_command
from tests.home import Home

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="not installed: tmux")

SHELL = ["bash", "--norc", "-c"]


class Tmux:
    """A tmux server of this test's own."""

    def __init__(self, socket: Path) -> None:
        self.socket = str(socket)

    def run(self, *words: str) -> str:
        command = ["tmux", "-S", self.socket, "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout

    def new(self, script: str) -> None:
        self.run("new-session", "-d", "-s", "work", "-x", "120", "-y", "40", *SHELL, script)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path / "tmux")
    yield server
    subprocess.run(["tmux", "-S", server.socket, "kill-server"], capture_output=True, check=False)


def adopt(home: Home, tmux: Tmux) -> str:
    return home.start(*adopt_command(tmux.socket, "work"))


def asks(item: Any) -> bool:
    return bool(item["attention"] == "asking" and item["ask"])


def test_a_password_in_a_pane_is_known_by_its_terminal(home: Home, tmux: Tmux) -> None:
    tmux.new("read -s -p 'The word: ' word; exec sleep 1000")
    key = adopt(home, tmux)
    assert home.wait_for(key, asks, 30)["ask"]["kind"] == "password"
    home.ok("send", key, "x", "key:enter")
    home.wait_for(key, lambda item: item["attention"] == "working", 30)
    home.ok("kill", key)


def test_a_question_in_a_pane_nobody_reads_is_none(home: Home, tmux: Tmux) -> None:
    tmux.new("printf 'Continue? [y/N] '; exec sleep 1000")
    key = adopt(home, tmux)
    home.wait_printed(key, "Continue?")
    said = home.wait_for(key, lambda item: item["program"] == "sleep", 30)
    assert said["attention"] == "working"
    home.ok("kill", key)


def test_the_pane_that_is_shown_counts(home: Home, tmux: Tmux, tmp_path: Path) -> None:
    tmux.new("exec sleep 1000")
    tmux.run("new-window", "-d", "-t", "work", *SHELL, "read -p 'Delete it? [y/N] ' a; exec sleep 1000")
    key = adopt(home, tmux)
    home.wait_for(key, lambda item: item["attention"] == "working" and item["program"] == "sleep", 30)
    tmux.run("select-window", "-t", "work:1")
    assert "Delete it?" in home.wait_for(key, asks, 30)["ask"]["excerpt"]
    tmux.run("select-window", "-t", "work:0")
    home.wait_for(key, lambda item: item["attention"] == "working" and item["ask"] is None, 30)
    home.ok("kill", key)


def test_a_shell_at_its_prompt_in_a_pane_is_at_rest(home: Home, tmux: Tmux) -> None:
    tmux.new("exec bash --norc -i")
    key = adopt(home, tmux)
    assert home.wait_for(key, lambda item: item["attention"] == "idle", 30)["program"] == "bash"
    home.ok("kill", key)
