"""The README's supervision loop, run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from relaytui.config import load_config
from tests.home import RELAYTUI, Home
from tests.pty_program import on_terminal

README = Path(__file__).parents[2] / "README.md"


def block(language: str) -> str:
    """The first block of that language in the section."""
    section = README.read_text("utf-8").split("## Supervise")[1].split("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_loop_of_the_readme(home: Home) -> None:
    home.configure(home.node("gpu-box"))
    while home.run("ls").returncode:  # the loop does not wait for agents that a busy machine is slow to start
        pass
    command = home.directory / "bin" / "relaytui"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.join(RELAYTUI)} "$@"\n')
    command.chmod(0o700)
    env = {**home.env, "PATH": f"{command.parent}:{home.env['PATH']}"}
    with on_terminal(["bash", "-e", "-c", block("sh")], columns=120, rows=30, env=env) as terminal:
        terminal.wait_for(rb"asking\r\n.*confirm +migrate +Drop table users\? \[y/N\]")
        terminal.wait_for(rb"accepted: No\r\n.*reply: n\r\n")
        terminal.wait_for(b"attached to gpu-box/")
        terminal.type(b"echo $((40 + 2))-attached\r")
        terminal.wait_for(b"42-attached")
        terminal.type(b"\x1dd")
        assert terminal.wait() == 0
    (session,) = home.json("ls", "--node", "gpu-box")
    assert session["ask"] is None
    home.ok("kill", f"gpu-box/{session['id']}")


def test_the_config_of_the_readme_is_one(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(block("toml"))
    config = load_config(path)
    assert [channel.name for channel in config.channels] == ["phone"]
    assert [(rule.name, rule.dry_run) for rule in config.rules] == [("tests", True)]
