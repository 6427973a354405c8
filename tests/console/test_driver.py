"""The driver on a real terminal: one that does not read must not stop the console, a suspended one neither."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from tests.pty_program import on_terminal

STALLED = """
import asyncio, json, sys, time
from relaytui.console import Console, ConsoleOptions
from tests.console.scripted import ScriptedSource

source = ScriptedSource("local")
for number in range(12):
    source.session(f"local/s{number}", "flood", lines=["x" * 79] * 24)

async def attach(key):
    for frame in range(100):  # ungated, 30 of these fill the writer's queue and the loop never goes on
        console.refresh()
        console._driver.write("GHOST")
        await asyncio.sleep(0)
    return "attached"

console = Console(source, ConsoleOptions(bell=False), attach)

async def watch():
    await asyncio.sleep(1)
    print("READY", file=sys.__stderr__, flush=True)
    worst, before, deadline, n = 0.0, time.monotonic(), time.monotonic() + 3, 0
    while time.monotonic() < deadline:
        await asyncio.sleep(0.01)
        worst, before, n = max(worst, time.monotonic() - before), time.monotonic(), n + 1
        source.draw("local/s0", [f"{n} " * 20] * 24)
        console.screen.refresh()
    said = await console.attach(next(iter(source.fleet.sessions)))
    open(sys.argv[1], "w").write(json.dumps({"worst": worst, "said": said}))
    await asyncio.sleep(1)
    console.exit()

async def main():
    task = asyncio.create_task(watch())
    await console.run_async()
    await task

asyncio.run(main())
"""


def test_a_terminal_that_does_not_read_stops_nothing(tmp_path: Path) -> None:
    script, result = tmp_path / "stalled.py", tmp_path / "result.json"
    script.write_text(STALLED)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"}
    command = [sys.executable, str(script), str(result)]
    with on_terminal(command, columns=120, rows=40, env=env) as program:
        program.wait_for(b"READY")
        stalled_from = time.monotonic()
        while time.monotonic() < stalled_from + 2.5:
            time.sleep(0.1)  # the point of the test: nobody reads
        program.wait_until(lambda: result.exists() and bool(result.read_text()), timeout=30)
        assert program.wait() == 0
        assert b"GHOST" not in program.output
    figures = json.loads(result.read_text())
    assert figures["said"] == "attached"
    assert figures["worst"] < 2.0, "the loop stood still while the terminal did not read"
