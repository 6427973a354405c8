"""How long a machine takes to become a node, from nothing and when everything is there, beside `ssh host true`."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable

from tests.bench.place import bench_home
from tests.bench.report import Check, Report, median, milliseconds
from tests.home import Home
from tests.sshd import Sshd, open_sshd

COLD, CURRENT = 5, 11
_MOST_COLD = 3.0
_MOST_CURRENT = 0.6


def measure() -> Report:
    """Run the bench."""
    with bench_home() as home:
        colds, currents, logins = asyncio.run(_measure(home))
    rows = [
        ["node add, nothing there", milliseconds(median(colds))],
        ["node add, agent current", milliseconds(median(currents))],
        ["ssh host true", milliseconds(median(logins))],
    ]
    return Report(
        "Nodes",
        f"A machine behind a private sshd on loopback becomes a node; process start to end, median of {COLD} with "
        f"nothing there and of {CURRENT} in turns with ssh.",
        ("", "median"),
        rows,
        (
            Check("from nothing at most 3 s", median(colds) <= _MOST_COLD),
            Check("when current at most 600 ms", median(currents) <= _MOST_CURRENT),
        ),
    )


async def _measure(home: Home) -> tuple[list[float], list[float], list[float]]:
    async with open_sshd(home.directory / "sshd") as server:
        _make_known(home, server)
        return await asyncio.to_thread(_run, home)


def _run(home: Home) -> tuple[list[float], list[float], list[float]]:
    add = ("node", "add", "box", "--state", str(home.directory / "there"))
    colds, currents, logins = [], [], []
    for _ in range(COLD):
        colds.append(_seconds(lambda: home.ok(*add)))
        home.ok("node", "rm", "box", "--purge")
    home.ok(*add)
    for _ in range(CURRENT):
        home.ok("node", "rm", "box", "--keep")
        currents.append(_seconds(lambda: home.ok(*add)))
        logins.append(_seconds(lambda: _ssh(home)))
    return colds, currents, logins


def _make_known(home: Home, server: Sshd) -> None:
    """Let the operator's ssh know the machine as `box`."""
    config = server.write_config("box")
    programs = home.directory / "bin"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    ssh.chmod(0o755)
    home.env["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"


def _ssh(home: Home) -> None:
    subprocess.run(["ssh", "box", "true"], check=True, capture_output=True, env=home.env)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
