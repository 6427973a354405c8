"""Hooks from the command line to the inbox: shown, installed, run as the programs run them, and removed."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home import Home

EVENT = {"session_id": "0123456789", "tool_name": "Bash", "tool_input": {"command": "rm -rf build"}}


def settings(home: Home) -> Path:
    return Path(home.env["HOME"]) / ".claude" / "settings.json"


def commands(home: Home) -> dict[str, str]:
    """The installed command of each event."""
    events = json.loads(settings(home).read_text())["hooks"]
    return {event: entries[-1]["hooks"][0]["command"] for event, entries in events.items()}


def run_hook(home: Home, command: str, event: Any) -> None:
    """Run a hook outside any session, as the coding agent does."""
    done = subprocess.run(
        ["sh", "-c", command], input=json.dumps(event), env=home.env, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def installed(home: Home) -> Home:
    home.ok("hooks", "install", "claude", "--yes")
    return home


def test_a_change_is_shown_made_kept_and_taken_back(home: Home) -> None:
    path = settings(home)
    path.parent.mkdir(exist_ok=True)
    mine = json.dumps({"model": "opus", "permissions": {"allow": ["Read"]}}, indent=2) + "\n"
    real = path.parent / "dotfiles.json"
    real.write_text(mine)
    real.chmod(0o640)
    path.symlink_to(real)

    shown = home.ok("hooks", "show", "claude")
    assert '+    "PermissionRequest": [' in shown
    assert real.read_text() == mine
    assert home.run("hooks", "install", "claude", text="n\n").returncode == 130
    assert real.read_text() == mine

    assert home.ok("hooks", "install", "claude", "--yes") == shown
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.with_name("dotfiles.json.before-relaytui").read_text() == mine
    assert home.json("hooks", "show", "claude")["installed"]
    assert home.ok("hooks", "install", "claude", "--yes") == ""

    home.ok("hooks", "remove", "claude", "--yes")
    assert real.read_text() == mine
    assert home.ok("hooks", "remove", "claude", "--yes") == ""
    for file in path.parent.iterdir():
        file.unlink()


@pytest.mark.parametrize("program", ["codex", "gemini", "opencode"])
def test_other_programs_are_installed_and_removed(home: Home, program: str) -> None:
    plan = home.json("hooks", "show", program)
    home.ok("hooks", "install", program, "--yes")
    path = Path(plan["path"])
    assert path.is_relative_to(home.env["HOME"])
    if path.suffix == ".js" and (node := shutil.which("node")):
        copy = path.with_suffix(".mjs")
        shutil.copy(path, copy)
        subprocess.run([node, "--check", str(copy)], check=True, timeout=30)
        copy.unlink()
    home.ok("hooks", "remove", program, "--yes")
    assert not path.exists()


def test_a_file_that_is_not_understood_is_left_alone(home: Home) -> None:
    path = Path(home.env["HOME"]) / ".gemini" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{\n  // my comment\n  "theme": "x"\n}\n')
    done = home.run("hooks", "install", "gemini", "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (67, 1)
    assert path.read_text().startswith("{\n  // my comment")
    path.unlink()


def test_a_hook_in_a_session_raises_and_clears_its_ask(installed: Home) -> None:
    home = installed
    hooks = commands(home)
    (home.directory / "event.json").write_text(json.dumps(EVENT))
    asks, works = (hooks[name].replace(" >/dev", " <event.json >/dev") for name in ("PermissionRequest", "PostToolUse"))
    script = f"read go\n{asks}\nprintf 'Proceed? [y/N] '; read answer\n{works}\nexec sleep 1000"
    key = home.start("sh", "-c", script, options=["--cwd", str(home.directory)])
    home.wait_for(key, lambda item: item["ask"] is not None)
    home.ok("send", key, "go", "key:enter")
    ask = home.wait_for(key, lambda item: item["ask"] and "Proceed?" in item["ask"]["excerpt"])["ask"]
    assert ask["kind"] == "confirm"
    home.ok("send", key, "yes", "key:enter")
    home.wait_for(key, lambda item: item["ask"] is None and item["attention"] == "working")
    home.ok("kill", key)


def test_a_hook_outside_any_session_raises_an_ask_without_a_screen(installed: Home) -> None:
    home = installed
    hooks = commands(home)
    run_hook(home, hooks["PermissionRequest"], EVENT)
    (ask,) = home.json("inbox")
    assert "rm -rf build" in json.dumps(ask)
    run_hook(home, hooks["PermissionRequest"], {**EVENT, "session_id": "another one"})
    assert len(home.json("inbox")) == 2
    for conversation in (EVENT["session_id"], "another one"):
        run_hook(home, hooks["PostToolUse"], {"session_id": conversation})
    assert home.json("inbox") == []


def test_gemini_says_what_would_be_run_and_that_its_hooks_are_off(home: Home) -> None:
    path = Path(home.env["HOME"]) / ".gemini" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"hooksConfig": {"enabled": false}, "hooks": {"enabled": true}}\n')
    assert "hooksConfig.enabled is false there" in home.run("hooks", "install", "gemini", "--yes").stderr
    events = json.loads(path.read_text())["hooks"]
    asks, works = (events[name][0]["hooks"][0]["command"] for name in ("Notification", "AfterTool"))
    details = {"type": "exec", "title": "Confirm Shell Command", "command": "rm -rf build"}
    run_hook(home, asks, {"session_id": "g1", "message": "a tool", "details": details})
    (ask,) = home.json("inbox")
    assert "rm -rf build" in json.dumps(ask)
    run_hook(home, works, {"session_id": "g1"})
    assert home.json("inbox") == []
    path.unlink()


PROGRAM = """
import subprocess, sys
subprocess.run(["sh", "-c", sys.argv[1]], input=sys.argv[2], text=True)
print("asked", flush=True)
sys.stdin.read()
"""
"""A coding agent that runs a hook and then waits."""


@contextlib.contextmanager
def asking_program(home: Home, command: str, conversation: str) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", PROGRAM, command, json.dumps({**EVENT, "session_id": conversation})]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, env=home.env, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "asked\n"
            yield program
        finally:
            program.kill()


def test_what_a_killed_program_asked_outside_any_session_is_over(installed: Home) -> None:
    home = installed
    command = commands(home)["PermissionRequest"]
    with asking_program(home, command, "goes on"), asking_program(home, command, "is killed") as killed:
        assert {ask["program"] for ask in home.json("inbox")} == {"claude goes on", "claude is kille"}
        killed.kill()
        deadline = time.monotonic() + 15
        while len(asks := home.json("inbox")) > 1:
            assert time.monotonic() < deadline, asks
        assert [ask["program"] for ask in asks] == ["claude goes on"]


def test_a_hook_never_stops_the_program(installed: Home) -> None:
    home = installed
    for command in commands(home).values():
        env = {**home.env, "RELAY_AGENT": "/nonexistent/agent"}
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, env=env, capture_output=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
