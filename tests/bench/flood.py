"""A key beside four floods, and ctrl+C in a flood, over a slow link; beside ssh and tmux."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from node_agent.protocol.ids import SessionId
from relaytui.fleet.keys import SessionKey
from relaytui.hub.core import Core
from tests.bench.keys import ECHO, Typist
from tests.bench.place import NODE, Place, bench_place, config_of
from tests.bench.report import Check, Report, median, milliseconds, percentile
from tests.pty_program import PtyProgram, on_terminal

LATENCY = 0.010
BANDWIDTH = 5e6
FLOODS = 4
KEYS = 100
INTERRUPTS = 5
FLOOD = "yes 'a flood of forty columns, more or less.'"
_SLACK = 0.010
_MOST_QUIET = 1.0
_FLOODED_SECONDS = 2.0
_QUIET_SECONDS = 0.5


def measure() -> Report:
    """Run the bench."""
    return asyncio.run(_measure())


async def _measure() -> Report:
    async with bench_place() as place:
        with _slow_link(place.sshd.port) as port:
            known = place.sshd.known_hosts
            known.write_text(known.read_text() + known.read_text().replace(f":{place.sshd.port} ", f":{port} "))
            ours = await _key_beside_watched_floods(place, port)
            tmux = await asyncio.to_thread(_key_beside_panes, place, port)
            quiet = await asyncio.to_thread(_quiet_after_ctrl_c, place, port)
            quiet_ssh = await asyncio.to_thread(_quiet_of_ssh, place, port)
    p50 = percentile(ours, 0.5)
    limit = 2 * LATENCY + _SLACK
    return Report(
        "A slow link",
        f"5 MB/s, 20 ms there and back. Keys to `cat` beside {FLOODS} sessions of `yes`, all on screen, {KEYS} keys; "
        f"ctrl+C to `yes` until nothing more comes, worst of {INTERRUPTS}.",
        ("", "key p50", "key p95", "quiet after ctrl+C"),
        (
            ["relaytui", milliseconds(p50), milliseconds(percentile(ours, 0.95)), milliseconds(max(quiet))],
            ["tmux over ssh", milliseconds(median(tmux)), milliseconds(percentile(tmux, 0.95)), ""],
            ["ssh -t", "", "", milliseconds(max(quiet_ssh))],
        ),
        (
            Check("a key beside the floods at p50 within the round trip + 10 ms", p50 <= limit),
            Check("quiet within 1 s of ctrl+C", max(quiet) <= _MOST_QUIET),
        ),
    )


@contextmanager
def _slow_link(port: int) -> Iterator[int]:
    """A proxy before the sshd, in a process of its own; its port."""
    command = [sys.executable, "-m", "tests.proxy", f"127.0.0.1:{port}"]
    command += ["--latency", str(LATENCY), "--bandwidth", str(BANDWIDTH)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        try:
            yield int(proxy.stdout.readline())
        finally:
            proxy.stdin.close()


async def _key_beside_watched_floods(place: Place, port: int) -> list[float]:
    """Keys to an attached session while the console watches the floods on the same link."""
    home = place.home
    floods = [home.start("sh", "-c", FLOOD, options=["--node", NODE]) for _ in range(FLOODS)]
    echo = home.start("sh", "-c", ECHO, options=["--node", NODE])
    home.configure(place.node(port))
    core = Core(config_of(place.node(port)), cache=home.directory / "bench-cache")
    await core.start()
    try:
        async with asyncio.timeout(30):
            while not core.link(NODE).status.is_live:  # noqa: ASYNC110 - a bench need not subscribe
                await asyncio.sleep(0.05)
        for key in floods:
            core.watch(SessionKey(NODE, SessionId(key.partition("/")[2])), 0.1)
        times = await _type_through(core, SessionKey(NODE, SessionId(echo.partition("/")[2])))
    finally:
        await core.stop()
        home.configure(place.node())
        for key in [*floods, echo]:
            home.ok("kill", key)
    return times


async def _type_through(core: Core, key: SessionKey) -> list[float]:
    stream = await core.open_bytes(key, "attach", columns=120, rows=40)
    times = []
    arrived = asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            arrived.set()

    reading = asyncio.create_task(read())
    await asyncio.sleep(_FLOODED_SECONDS)
    for _ in range(KEYS):
        arrived.clear()
        began = time.perf_counter()
        await stream.send(b"&")
        await asyncio.wait_for(arrived.wait(), 30)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.03)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return times


def _key_beside_panes(place: Place, port: int) -> list[float]:
    """Keys to a pane of tmux over ssh, the floods in panes beside it."""
    panes = " ".join(f"';' split-window -d -l 5 {shlex.quote(FLOOD)}" for _ in range(FLOODS))
    command = f"{place.tmux('floods', ECHO)} {panes}"
    with on_terminal(place.ssh(command, port), columns=120, rows=60, env=place.home.env) as tmux:
        tmux.wait_for(b"flood")
        typist = Typist("tmux over ssh", tmux)
        typist.type(KEYS)
    return typist.times


def _quiet_after_ctrl_c(place: Place, port: int) -> list[float]:
    place.home.configure(place.node(port))
    key = place.home.start("sh", options=["--node", NODE])
    with ExitStack() as stack:
        program = stack.enter_context(place.home.terminal("attach", key, columns=120, rows=40))
        program.wait_for(rb"attached to")
        times = [_interrupt(program) for _ in range(INTERRUPTS)]
    place.home.ok("kill", key)
    place.home.configure(place.node())
    return times


def _quiet_of_ssh(place: Place, port: int) -> list[float]:
    with on_terminal(place.ssh("exec sh", port), columns=120, rows=40, env=place.home.env) as program:
        return [_interrupt(program) for _ in range(INTERRUPTS)]


def _interrupt(program: PtyProgram) -> float:
    """Seconds from ctrl+C until the last byte came."""
    program.type(FLOOD.encode() + b"\r")
    flooded = time.monotonic() + _FLOODED_SECONDS
    while time.monotonic() < flooded:
        program.read(0.1)
        program.output = b""  # else taking in more of it would take ever longer, and hold the program up
    program.type(b"\x03")
    last = pressed = time.monotonic()
    while program.read(_QUIET_SECONDS):
        last = time.monotonic()
        program.output = b""
    return last - pressed
