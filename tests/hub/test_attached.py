"""A hub's channels while an operator is attached: silent as long as they look, and no longer."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from relaytui.config import ChannelConfig, ChannelKind, Config, save_config
from tests.home import Home
from tests.pty_program import PtyProgram

ASKS = 'until [ -e "$0" ]; do sleep 0.05; done; printf "Proceed? [y/N] "; read answer'
LEAVE = b"\x1dd"


@pytest.fixture
def hub(home: Home) -> Iterator[None]:
    """A hub with a channel that writes each alert's title as a line."""
    script = home.directory / "hook.py"
    script.write_text("import json, sys\nopen(sys.argv[1], 'a').write(json.load(sys.stdin)['title'] + '\\n')\n")
    command = f"{sys.executable} -I -S {script} {home.directory / 'told'}"
    save_config(Config(channels=(ChannelConfig("sink", ChannelKind.COMMAND, {"command": command}),)), home.config_file)
    home.ok("hub", "start")
    yield
    home.ok("hub", "stop")
    (home.directory / "told").unlink(missing_ok=True)
    home.config_file.unlink()


def told(home: Home, words: str) -> bool:
    path = home.directory / "told"
    return path.exists() and words in path.read_text()


def wait_told(home: Home, words: str) -> None:
    deadline = time.monotonic() + 30
    while not told(home, words):
        assert time.monotonic() < deadline, words
        time.sleep(0.02)


def ask_before(home: Home, program: PtyProgram, key: str, title: str) -> None:
    """Have the session ask while `program` is attached to it, and the hub tell of something later."""
    program.wait_for(b"attached to " + key.encode())
    (home.directory / title).touch()
    program.wait_for(rb"Proceed\? \[y/N\]")
    home.wait_for(key, lambda item: item["ask"] is not None)
    home.ok("notify", "send", f"after {title}")
    program.wait_until(lambda: told(home, f"after {title}"), timeout=30)
    assert not told(home, f"{title} asks")
    (entry,) = [entry for entry in home.json("notify", "log") if f"{title} asks" in entry["title"]]
    assert entry["silenced"].endswith("is attached")


@pytest.mark.parametrize("title", ["detached", "frozen"])
def test_an_ask_is_told_when_nobody_looks_at_it_any_more(home: Home, hub: None, title: str) -> None:
    key = home.start("bash", "-c", ASKS, str(home.directory / title), options=["--title", title])
    with home.terminal("attach", key) as program:
        ask_before(home, program, key, title)
        if title == "frozen":
            os.kill(program.pid, signal.SIGSTOP)
            wait_told(home, f"{title} asks")
            os.kill(program.pid, signal.SIGCONT)
        program.type(LEAVE)
        assert program.wait() == 0
    wait_told(home, f"{title} asks")
    home.ok("kill", key)
