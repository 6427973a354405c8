"""What detection costs an agent: probes and fusion of 200 sessions, 20 of which print, in shares of a core."""

from __future__ import annotations

import os
import pty
import selectors
import signal
import time

from node_agent.io.rule_files import RuleFiles
from tests.bench.report import Check, Report
from tests.detect.watch import Watch

SECONDS = 30.0
LIMIT = 0.05
SETTLING = 15.0
"""Seconds the sessions get to start before anything is measured."""

MIX = [
    ("chatting", "i=0; while :; do echo line $((i++)); sleep 0.$((RANDOM % 9 + 1)); done", 20),
    ("asking", "read -p 'Continue? [y/N] ' a", 60),
    ("a shell at rest", "exec bash --norc -i", 60),
    ("a quiet job", "exec sleep 3600", 60),
]


class Measured:
    """One session and what its detection has cost so far."""

    def __init__(self, kind: str, command: str) -> None:
        self.kind = kind
        self.cost = 0.0
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvp("bash", ["bash", "-c", command])
        os.set_blocking(self.master, False)
        os.set_inheritable(self.master, False)
        self.watch = Watch(self.master, self.pid, RULES, time.monotonic())

    def read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nothing there, or the child has gone
            return
        self.watch.on_output(time.monotonic(), data)

    def tick(self, now: float) -> None:
        """Do what is due, and count the processor time of that."""
        wake = self.watch.detector.wake_at
        if wake is not None and now >= wake:
            started = time.thread_time()
            self.watch.tick(now)
            self.cost += time.thread_time() - started

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.master)
        self.watch.close()
        os.waitpid(self.pid, 0)


RULES = RuleFiles().book


def measure() -> Report:
    """Run the mix and report each part's share of a core."""
    sessions = [Measured(kind, command) for kind, command, count in MIX for _ in range(count)]
    try:
        with selectors.DefaultSelector() as selector:
            for session in sessions:
                selector.register(session.master, selectors.EVENT_READ, session)
            _run(selector, sessions, SETTLING)
            before = [(session.cost, session.watch.probes) for session in sessions]
            _run(selector, sessions, SECONDS)
    finally:
        for session in sessions:
            session.close()
    rows = []
    total = 0.0
    for kind, _, count in MIX:
        chosen = [(now, then) for now, then in zip(sessions, before, strict=True) if now.kind == kind]
        share = sum(now.cost - then[0] for now, then in chosen) / SECONDS
        probes = sum(now.watch.probes - then[1] for now, then in chosen) / SECONDS
        rows.append([kind, str(count), f"{probes:.0f}", f"{share * 100:.2f} %"])
        total += share
    rows.append(["all", str(len(sessions)), "", f"{total * 100:.2f} %"])
    return Report(
        "Detection",
        f"{len(sessions)} real sessions for {SECONDS:.0f} s; CPU of probes and fusion without emulation.",
        ("sessions", "count", "probes a second", "share of a core"),
        rows,
        (Check(f"200 sessions, 20 of them chatting, cost at most {LIMIT:.0%} of a core", total <= LIMIT),),
    )


def _run(selector: selectors.BaseSelector, sessions: list[Measured], seconds: float) -> None:
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for key, _ in selector.select(0.02):
            key.data.read()
        for session in sessions:
            session.tick(now)
