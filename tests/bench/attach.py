"""Key to echo of an attached session over SSH, beside `ssh -t` and tmux over ssh."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from tests.bench.keys import ECHO, Typist
from tests.bench.place import NODE, bench_place
from tests.bench.report import Check, Report, milliseconds, percentile
from tests.pty_program import PtyProgram, on_terminal

ROUNDS = 12
KEYS = 25
_SLACK = 0.001


def measure() -> Report:
    """Run the bench."""
    return asyncio.run(_measure())


async def _measure() -> Report:
    async with bench_place() as place:
        key = place.home.start("sh", "-c", ECHO, options=["--node", NODE])
        with ExitStack() as stack:

            def terminal(*command: str) -> PtyProgram:
                return stack.enter_context(on_terminal(command, columns=120, rows=40, env=place.home.env))

            ours = stack.enter_context(place.home.terminal("attach", key, columns=120, rows=40))
            ours.wait_for(rb"attached to")
            plain = terminal(*place.ssh(ECHO))
            tmux = terminal(*place.ssh(place.tmux("keys", ECHO)))
            for program in (plain, tmux):
                program.wait_for(b"ready")
            ours.read(2.0)  # the notice on entry is undone first
            typists = [Typist("relaytui attach", ours), Typist("ssh -t", plain), Typist("tmux over ssh", tmux)]
            for _ in range(ROUNDS):
                for typist in typists:
                    typist.type(KEYS)
        place.home.ok("kill", key)
    return _report(typists)


def _report(typists: list[Typist]) -> Report:
    p50 = [percentile(typist.times, 0.5) for typist in typists]
    p95 = [percentile(typist.times, 0.95) for typist in typists]
    rows = [
        [typist.name, milliseconds(middle), milliseconds(high)]
        for typist, middle, high in zip(typists, p50, p95, strict=True)
    ]
    return Report(
        "Key to echo",
        f"{ROUNDS * KEYS} keys each, interleaved, to `cat` on a raw terminal through one sshd on loopback.",
        ("", "p50", "p95"),
        rows,
        (
            Check("p50 at most that of ssh -t + 1 ms", p50[0] <= p50[1] + _SLACK),
            Check("p95 at most that of tmux over ssh", p95[0] <= p95[2]),
        ),
    )
