"""From a prompt to the operator and back: the console's toast over SSH, and `relaytui answer` through the hub."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace

from tests.bench.place import NODE, Place, bench_place
from tests.bench.report import Check, Report, median, milliseconds, percentile
from tests.home import Home
from tests.pty_program import PtyProgram
from tests.waiting import eventually

ROUNDS = 40
_AT_ONCE = 10
_MOST_TOAST = 0.6
_MOST_ANSWER = 0.3
_PATIENCE = 10.0

_ASKS = """
read -r _ < {gate}
printf 'Proceed? [y/N] '
echo $EPOCHREALTIME > {stamp}
read -r answer
exec sleep 1000
"""
"""Asks once the gate is opened, and notes when its last byte was written."""


def measure() -> Report:
    """Run the bench."""
    return asyncio.run(_measure())


async def _measure() -> Report:
    toasts, answers = [], []
    async with bench_place() as place:
        home = place.home
        home.configure(replace(place.node(), state=str(home.directory / "far")))  # not the node that is `local`, too
        home.ok("hub", "start")
        home.start("sleep", "1000", options=["--node", NODE, "--title", "in focus"])
        try:
            await eventually(lambda: all(node["state"] == "connected" for node in home.json("hub", "status")["nodes"]))
            with home.terminal(columns=200, rows=56) as console:
                for first in range(0, ROUNDS, _AT_ONCE):
                    toasted, answered = _run(place, console, range(first, first + _AT_ONCE))
                    toasts += toasted
                    answers += answered
        finally:
            home.ok("hub", "stop")
    return _report(toasts, answers)


def _run(place: Place, console: PtyProgram, rounds: range) -> tuple[list[float], list[float]]:
    """Seconds to each toast, and of each answer, of sessions that ask one after the other."""
    home, toasts, answers = place.home, [], []
    keys = {number: _start(home, number) for number in rounds}
    for number, key in keys.items():
        home.wait_for(key, lambda session: session["attention"] == "working")
        console.wait_for(rb"round %d\b" % number, start=0)
        with (home.directory / f"gate {number}").open("w") as gate:
            gate.write("go\n")
        console.wait_for(rb"box/s\d+ asks.{1,80}?round %d " % number, _PATIENCE)
        seen = time.time()
        toasts.append(seen - float((home.directory / f"stamp {number}").read_text()))
        began = time.perf_counter()
        home.ok("answer", key, "yes")
        answers.append(time.perf_counter() - began)
    for key in keys.values():
        home.ok("kill", key)
        home.ok("rm", key)
    return toasts, answers


def _start(home: Home, number: int) -> str:
    gate, stamp = home.directory / f"gate {number}", home.directory / f"stamp {number}"
    os.mkfifo(gate)
    script = _ASKS.format(gate=f"'{gate}'", stamp=f"'{stamp}'")
    return home.start("bash", "-c", script, options=["--node", NODE, "--title", f"round {number}"])


def _report(toasts: list[float], answers: list[float]) -> Report:
    return Report(
        "Asks",
        f"{ROUNDS} shell prompts (`read` on the terminal), one after the other, on a node behind one sshd on loopback;"
        " from the prompt's last byte to the console's toast, and `relaytui answer` through the hub, start to end.",
        ("", "median", "p95"),
        [
            ["prompt to toast", milliseconds(median(toasts)), milliseconds(percentile(toasts, 0.95))],
            ["relaytui answer", milliseconds(median(answers)), milliseconds(percentile(answers, 0.95))],
        ],
        (
            Check(
                f"prompt to toast within {milliseconds(_MOST_TOAST)} and the round trip (p95)",
                percentile(toasts, 0.95) <= _MOST_TOAST,
            ),
            Check(f"an answer within {milliseconds(_MOST_ANSWER)} (median)", median(answers) <= _MOST_ANSWER),
        ),
    )
