"""Finds and ends what a test has started, by its parent or by the directory it was started for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

_PATIENCE = 10.0


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_of(directory: Path) -> list[int]:
    """Living processes but this one whose environment or command line names `directory` (proc(5)).

    Nobody else's does; there are none where there is no /proc.
    """
    name = re.compile(rb"(?<![\w.-])%s(?![\w.-])" % re.escape(os.fsencode(directory)))  # whole: /a/b is not in /a/b1
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_named = name.search((entry / "environ").read_bytes() + (entry / "cmdline").read_bytes())
        except OSError:
            continue
        pid = int(entry.name)
        if is_named and pid != os.getpid() and is_alive(pid):
            found.append(pid)
    return found


def children_of(pid: int, name: str = "") -> list[int]:
    """The living children of a process, theirs not included; of those with a `name`, those that run that program."""
    command = ["ps", "-o", "pid=,stat=,comm=", "--ppid", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = [line.split(None, 2) for line in listed.splitlines()]
    return [int(child) for child, state, comm in lines if not state.startswith("Z") and name in ("", comm)]


def end_processes_of(directory: Path) -> None:
    """Kill them all; stopped first, since a keeper and its agent would start each other again."""
    deadline = time.monotonic() + _PATIENCE
    while pids := processes_of(directory):
        assert time.monotonic() < deadline, f"processes of {directory} do not end: {pids}"
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        time.sleep(0.02)
