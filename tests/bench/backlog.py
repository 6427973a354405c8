"""How soon a question that follows a flood is on the screen, through a real node, watched."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench import traffic
from tests.bench.report import Check, Report
from tests.client import Client
from tests.harness import running_node

PLAIN_MEGABYTES = 200
DENSE_MEGABYTES = 40
PLAIN_SECONDS = 2.0
"""Within which the question after plain lines must be shown."""

STATED_RATE = 2.5
"""Megabytes of dense colour a second that are promised to be drawn, other work of the node's included."""

QUESTION = "Proceed with it? (y/n)"
_PATIENCE = 300.0


class Wait(NamedTuple):
    """One flood: seconds the writer took, seconds from its last byte to the question, the agent's processor seconds."""

    writing: float
    waiting: float
    was_behind: bool
    processor: float


def measure() -> Report:
    """Run the bench."""
    plain, dense = asyncio.run(_measure())
    promised = max(0.0, DENSE_MEGABYTES / STATED_RATE - dense.writing) + PLAIN_SECONDS
    return Report(
        "A question after a flood",
        "One session at 120×40, watched by a client of the node; from the writer's last byte to the question on the "
        "client's screen.",
        ("", "written in", "shown after", "marked as catching up", "agent, MB/s of processor time"),
        [
            _row("plain lines", PLAIN_MEGABYTES, plain),
            _row("dense colour", DENSE_MEGABYTES, dense),
        ],
        (
            Check(
                f"after plain lines within {PLAIN_SECONDS:g} s: {plain.waiting:.2f} s", plain.waiting <= PLAIN_SECONDS
            ),
            Check(
                f"after dense colour as {STATED_RATE} MB/s imply, within {promised:.1f} s: {dense.waiting:.1f} s",
                dense.waiting <= promised,
            ),
            Check("a screen that is behind is marked", dense.was_behind),
        ),
    )


def _row(name: str, megabytes: int, wait: Wait) -> list[str]:
    seconds = (f"{wait.writing:.1f} s", f"{wait.waiting:.2f} s")
    return [
        f"{megabytes} MB of {name}",
        *seconds,
        "yes" if wait.was_behind else "no",
        f"{megabytes / wait.processor:.1f}",
    ]


async def _measure() -> tuple[Wait, Wait]:
    with tempfile.TemporaryDirectory(prefix="relaytui-bench-", dir="/tmp") as directory:
        place = Path(directory)
        async with running_node(place / "node") as node:
            client = await node.connect()
            plain = await _wait(client, place, traffic.plain_log(), PLAIN_MEGABYTES)
            dense = await _wait(client, place, traffic.dense_color(), DENSE_MEGABYTES)
    return plain, dense


async def _wait(client: Client, place: Path, block: bytes, megabytes: int) -> Wait:
    source, began, ended = place / "flood", place / "began", place / "ended"
    ended.unlink(missing_ok=True)
    source.write_bytes(block.replace(b"\r\n", b"\n"))  # as programs print it: the terminal puts the CR before each LF
    times = megabytes * 1_000_000 // len(block) + 1
    script = (
        f"read go; date +%s%N > {began}; for _ in $(seq {times}); do cat {source}; done;"
        f" printf '\\033[m{QUESTION} '; date +%s%N > {ended}; read answer"
    )
    session = await client.start("sh", "-c", script, columns=120, rows=40)
    screen = await client.watch(session.id)
    typist = await client.open_bytes(session.id, "attach", window=1 << 16)
    used = _processor(client)
    client.type(typist, 1, b"\r")
    client.end(typist)
    marks: list[bool] = []

    def is_asked() -> bool:
        marks.append(client.sessions[session.id].catching_up)
        return QUESTION in screen.text

    await client.until(is_asked, _PATIENCE)
    shown = time.time_ns()
    start, stop = (int(path.read_text()) for path in (began, ended))
    return Wait((stop - start) / 1e9, (shown - stop) / 1e9, any(marks), _processor(client) - used)


def _processor(client: Client) -> float:
    """Processor seconds the agent has used."""
    assert client.node is not None
    fields = Path(f"/proc/{client.node.node.agent.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
