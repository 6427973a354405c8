"""The console's grid under load: how much processor time a frame costs with 36 busy tiles, on a real terminal."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from node_agent.protocol.ids import SessionId
from relaytui.console import Console, ConsoleOptions
from relaytui.fleet.changes import DeltaReceived
from relaytui.fleet.keys import SessionKey
from relaytui.garbage import collect_rarely
from tests.bench.report import Check, Report, milliseconds
from tests.console.scripted import ScriptedSource
from tests.pty_program import on_terminal

TILES, SCREEN, TERMINAL = 36, (80, 24), (200, 56)
RATE = 10
IN_SIGHT = 7
"""Rows of a tile of this grid that show the screen; all changes are made there."""
SECONDS = 5.0
LIMIT = 0.012
_WARM_UP = 2.0
_PENS = ("", "1;31", "32", "33;48;2;32;32;32", "38;2;135;175;255", "2", "7", "1;38;2;215;119;87", "3;36")
_WORDS = ("INFO", "worker", "request handler took", "12.5ms", "connection reset", "error", "Bash(pytest -q)", "412/980")


class TimedSource(ScriptedSource):
    """Ages go on by themselves."""

    def now(self) -> float:
        return time.monotonic()


def _line(rng: random.Random) -> list[list[str]]:
    """A line of about 80 columns in six or so pens."""
    spans: list[list[str]] = []
    width = 0
    while width < SCREEN[0]:
        text = " ".join(rng.choices(_WORDS, k=2)) + " "
        text = text[: SCREEN[0] - width]
        spans.append([text, rng.choice(_PENS)])
        width += len(text)
    return spans


async def _load(console: Console, source: TimedSource, rows: int, result: Path) -> None:
    """Change `rows` rows of every session ten times a second and note the processor time that takes."""
    rng = random.Random(7)
    pool = [_line(rng) for _ in range(400)]
    keys = [SessionKey("local", SessionId(f"s{number}")) for number in range(TILES)]
    for key in keys:
        screen = [[row, rng.choice(pool)] for row in range(SCREEN[1])]
        source.apply(DeltaReceived(key, {"size": list(SCREEN), "rows": screen, "cursor": [23, 0, False, 0]}))
    await asyncio.sleep(_WARM_UP)
    frames = int(SECONDS * RATE)
    started, used, drawn = time.monotonic(), time.process_time(), console.frames
    for frame in range(frames):
        for key in keys:
            picked = rng.sample(range(SCREEN[1] - IN_SIGHT, SCREEN[1]), rows)
            if picked:
                source.apply(DeltaReceived(key, {"rows": [[row, rng.choice(pool)] for row in picked]}))
        await asyncio.sleep(max(0.0, started + (frame + 1) / RATE - time.monotonic()))
    drawn = console.frames - drawn
    figures = {
        "cpu": (time.process_time() - used) / drawn,
        "rate": drawn / (time.monotonic() - started),
    }
    result.write_text(json.dumps(figures))
    console.exit()


def _child(rows: int, result: Path) -> None:
    source = TimedSource("local")
    for number in range(TILES):
        source.session(f"local/s{number}", f"worker {number}", size=SCREEN)
    console = Console(source, ConsoleOptions(bell=False))

    async def run() -> None:
        load = asyncio.create_task(_load(console, source, rows, result))
        await console.run_async()
        await load

    collect_rarely()
    gc.freeze()  # both as `relaytui` does
    asyncio.run(run())


def _run(rows: int) -> tuple[dict[str, Any], int]:
    """One run in a process of its own: its figures, and the bytes it wrote to the terminal."""
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "result.json"
        command = [sys.executable, "-m", "tests.bench.console", str(rows), str(result)]
        with on_terminal(command, columns=TERMINAL[0], rows=TERMINAL[1]) as program:
            program.wait(timeout=60)
            return json.loads(result.read_text()), len(program.output)


def measure() -> Report:
    """36 tiles in which nothing, three and all visible rows change."""
    rows: list[list[str]] = []
    figures: dict[int, dict[str, Any]] = {}
    for changing in (0, 3, IN_SIGHT):
        figures[changing], written = _run(changing)
        one = figures[changing]
        rows.append(
            [
                str(changing),
                milliseconds(one["cpu"]),
                f"{one['rate']:.1f}",
                f"{100 * one['cpu'] * RATE:.0f} %",
                f"{written / (SECONDS + _WARM_UP) / 1000:.0f} kB/s",
            ]
        )
    return Report(
        "Grid",
        f"{TILES} tiles of {SCREEN[0]}x{SCREEN[1]} in {TERMINAL[0]}x{TERMINAL[1]}, rows of six pens, {RATE} Hz for "
        f"{SECONDS:g} s, row deltas decoded in the same process.",
        ("rows changing a tile", "CPU a frame", "frames/s", "of a core", "to the terminal"),
        rows,
        (Check(f"three rows in each tile cost at most {milliseconds(LIMIT)} a frame", figures[3]["cpu"] <= LIMIT),),
    )


if __name__ == "__main__":
    _child(int(sys.argv[1]), Path(sys.argv[2]))
