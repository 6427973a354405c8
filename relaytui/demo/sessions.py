"""What runs in the demo, and where."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

NODES: dict[str, tuple[str, ...]] = {"local": (), "build-1": ("build", "linux"), "gpu-box": ("gpu", "linux")}
"""Alias and tags of each node."""

_NOTES = """\
relaytui, in short

  n        the session that has waited longest
  space    answer the focused session
  enter    attach to it; ctrl+] d leaves
  /        filter, as in  state:asking
  ?        every key

A real editor on a real file: attach and write into it.
"""


@dataclass(frozen=True)
class DemoSession:
    """One session to start. `command` is looked up here, so that only programs there are get started."""

    node: str
    title: str
    command: tuple[str, ...]
    tags: tuple[str, ...] = ()


def demo_sessions(notes: str) -> tuple[DemoSession, ...]:
    """The sessions; `notes` is a file for the editor, written by the caller with `notes_text`."""
    editor = _first(("vim", "-n", "-u", "NONE", notes), ("vi", notes), ("less", notes), ("more", notes))
    monitor = _first(("top",), ("vmstat", "1"))
    shell = _first(("bash",), ("sh",))
    return (
        DemoSession("local", "shell", shell),
        DemoSession("local", "notes", editor),
        DemoSession("local", "machine", monitor),
        DemoSession("build-1", "nightly build", _program("build"), ("build",)),
        DemoSession("build-1", "apt upgrade", _program("upgrade"), ("ops",)),
        DemoSession("build-1", "access log", _program("flood"), ("logs",)),
        DemoSession("gpu-box", "python", (sys.executable, "-q", "-i")),
        DemoSession("gpu-box", "fix flaky tests", _program("choice"), ("ai",)),
        DemoSession("gpu-box", "restore backup", _program("password"), ("ops",)),
    )


def notes_text() -> str:
    """What stands in the notes."""
    return _NOTES


def _program(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "relaytui.demo.programs", name)


def _first(*commands: tuple[str, ...]) -> tuple[str, ...]:
    """The first command whose program is installed."""
    return next((command for command in commands if shutil.which(command[0])), ("cat",))
