"""200 idle sessions: memory and processor time of keeper and agent, beside the tmux server with as many."""

from __future__ import annotations

import asyncio
import subprocess
import time
import uuid

from node_agent.protocol.sessions import ListSessions, StartSession
from node_agent.protocol.states import Attention
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from tests.bench.place import bench_home, installed
from tests.bench.report import Check, Report, cpu_seconds, resident
from tests.home import Home

SESSIONS = 200
WATCHED_SECONDS = 10.0
_SLEEPER = ("sleep", "100000")
_MEGABYTE = 1024 * 1024
_MOST_KEEPER = 15 * _MEGABYTE
_MOST_SESSION = 1.2 * _MEGABYTE
_MOST_CPU = 0.005  # what a table that shows whole percents calls 0 %
_SETTLE_SECONDS = 65.0  # for a minute sessions that have just begun are looked at more often


def measure() -> Report:
    """Run the bench."""
    with bench_home() as home:
        return asyncio.run(_measure(home))


async def _measure(home: Home) -> Report:
    async with open_node(home.node("box"), operator="bench", timeout=30) as client:
        agent, keeper = client.node.agent.pid, client.node.keeper.pid
        agent_empty = resident(agent)
        await _start_sessions(client)
        figures = {"keeper": _watch(keeper), "agent": _watch(agent)}
    if installed("tmux"):
        figures["tmux server"] = _watch(_start_tmux(home))
    rows = [[name, f"{size / _MEGABYTE:.1f} MB", f"{100 * cpu:.1f} %"] for name, (size, cpu) in figures.items()]
    a_session = (figures["agent"][0] - agent_empty) / SESSIONS
    return Report(
        "Footprint",
        f"{SESSIONS} sessions of `{' '.join(_SLEEPER)}` at 120×40, at rest for a minute, then watched for "
        f"{WATCHED_SECONDS:g} s.",
        ("", "resident", "CPU"),
        rows,
        (
            Check("keeper at most 15 MB", figures["keeper"][0] <= _MOST_KEEPER),
            Check(f"agent at most 1.2 MB a session: {a_session / _MEGABYTE:.2f} MB", a_session <= _MOST_SESSION),
            Check("CPU 0 %", all(figures[name][1] <= _MOST_CPU for name in ("keeper", "agent"))),
        ),
    )


async def _start_sessions(client: NodeClient) -> None:
    for _ in range(SESSIONS):
        await client.request(StartSession(str(uuid.uuid4()), _SLEEPER, bare=True), timeout=30)
    async with asyncio.timeout(60):
        while not await _are_judged(client):  # noqa: ASYNC110 - a bench need not subscribe
            await asyncio.sleep(0.2)
    await asyncio.sleep(_SETTLE_SECONDS)


async def _are_judged(client: NodeClient) -> bool:
    sessions = (await client.request(ListSessions())).sessions
    return all(item.attention is Attention.WORKING for item in sessions)


def _watch(pid: int) -> tuple[int, float]:
    """Resident bytes and the share of a processor over a while."""
    before = cpu_seconds(pid)
    time.sleep(WATCHED_SECONDS)
    return resident(pid), (cpu_seconds(pid) - before) / WATCHED_SECONDS


def _start_tmux(home: Home) -> int:
    """A tmux server with as many sessions; its process id."""
    tmux = ["tmux", "-S", str(home.directory / "tmux"), "-f", "/dev/null"]
    for _ in range(SESSIONS):
        subprocess.run([*tmux, "new-session", "-d", "-x", "120", "-y", "40", *_SLEEPER], check=True, env=home.env)
    shown = subprocess.run([*tmux, "display-message", "-p", "#{pid}"], capture_output=True, text=True, check=True)
    return int(shown.stdout)
