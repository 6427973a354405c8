"""The program that a hook runs for, and whether it still runs. Known on Linux alone."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional

_SHELL = re.compile(rb"(?:[^\0]*/)?(?:ba|da|z|k|mk|fi|a)?sh\0(?:-[a-z]+\0)*-[a-z]*c\0")
"""A shell that was given a command, as coding agents run their hooks."""

_MOST_SHELLS = 8


class Origin(NamedTuple):
    """A process. `started` is in clock ticks since the machine's start: a later one of that number has another."""

    pid: int
    started: int

    @property
    def is_running(self) -> bool:
        found = _read_stat(self.pid)
        return found is not None and found.started == self.started


class _Stat(NamedTuple):
    parent: int
    started: int


def find_origin() -> Optional[Origin]:
    """The program that ran this hook: the parent of this process, or of the shells that stand between."""
    pid = os.getppid()
    for _ in range(_MOST_SHELLS):
        found = _read_stat(pid)
        if found is None or pid <= 1:
            return None
        if not _SHELL.match(_read(pid, "cmdline")):
            return Origin(pid, found.started)
        pid = found.parent
    return None


def _read_stat(pid: int) -> Optional[_Stat]:
    """None when there is no such process (a zombie has ended), or where the kernel does not say."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return None if len(fields) < 20 or fields[0] in (b"Z", b"X") else _Stat(int(fields[1]), int(fields[19]))


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
