"""Runs labelled cases in real PTYs, several at once, and records what detection said.

A case is a command and steps. A step sends keys, waits for text on the screen, or expects an attention: `asking` and
`idle` must come true and stay true for a moment; `working` must be all that is said while the program is left alone.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import selectors
import shutil
import signal
import struct
import tempfile
import termios
import time
import tomllib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node_agent.detect import AskOpened, RuleBook
from node_agent.io.probe import ProcReader
from tests.detect.watch import Watch

CASES = Path(__file__).parent / "cases"
COLUMNS, ROWS = 80, 24
_KEYS = {
    "enter": "\r", "esc": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "left": "\x1b[D", "right": "\x1b[C",
    "space": " ", "c-c": "\x03", "c-d": "\x04", "c-x": "\x18", "backspace": "\x7f",
}  # fmt: skip  # pairs, as many as fit a row
_STEADY = 0.4  # seconds an expected asking or idle must hold
_PATIENCE = 20.0  # seconds a fact may take on a busy machine


@dataclass
class Case:
    name: str
    command: str
    step: list[dict[str, Any]]
    files: dict[str, str] = field(default_factory=dict)
    setup: str = ""
    requires: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    quick: bool = False
    refused: str = "same"  # without kernel evidence: "same" verdicts, "blind" (may miss) or "fooled" (text misleads)

    @property
    def is_negative(self) -> bool:
        return all(step.get("expect", "working") in ("working", "exited") for step in self.step)

    @property
    def missing(self) -> list[str]:
        return [program for program in self.requires if shutil.which(program) is None]


@dataclass
class Result:
    failures: list[str] = field(default_factory=list)
    waits: int = 0  # expected asks and rests
    hits: int = 0
    windows: int = 0  # stretches of work
    false_alarms: int = 0
    right_kinds: int = 0
    latencies: list[float] = field(default_factory=list)
    probes: int = 0


def load_cases() -> list[Case]:
    """Every case, in the order of files and in them."""
    found = []
    for path in sorted(CASES.glob("*.toml")):
        found += [Case(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]
    assert len({case.name for case in found}) == len(found), "case names repeat"
    return found


def run_cases(
    cases: list[Case], rules: RuleBook, reader: ProcReader | None = None, at_once: int = 8, hold: float = 1.0
) -> dict[str, Result]:
    """Run all, `at_once` side by side; `hold` scales how long a stretch of work is watched."""
    waiting = list(reversed(cases))
    running: list[Run] = []
    results = {}
    with selectors.DefaultSelector() as selector:
        while waiting or running:
            while waiting and len(running) < at_once:
                run = Run(waiting.pop(), rules, reader, hold)
                selector.register(run.master, selectors.EVENT_READ, run)
                running.append(run)
            for key, _ in selector.select(0.01):
                key.data.read()
            for run in running:
                run.advance(time.monotonic())
            for run in [run for run in running if run.is_over]:
                selector.unregister(run.master)
                running.remove(run)
                results[run.case.name] = run.close()
    return results


class Run:
    """One case in its PTY."""

    def __init__(self, case: Case, rules: RuleBook, reader: ProcReader | None, hold: float) -> None:
        self.case = case
        self.result = Result()
        self.is_over = False
        self._home = tempfile.mkdtemp(prefix="case-")
        self._hold = hold
        self._is_alive = True
        self.pid, self.master = _spawn(case, self._home)
        now = time.monotonic()
        self.watch = Watch(self.master, self.pid, rules, now, COLUMNS, ROWS, reader)
        self._last_output = now
        self._steps = self._script()
        self._deadline = now + 120

    def read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._last_output = time.monotonic()
            self.watch.on_output(self._last_output, data)
            for reply in self.watch.engine.drain_replies():
                os.write(self.master, reply.data)

    def advance(self, now: float) -> None:
        if self._is_alive and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self._is_alive = False
            self.watch.detector.on_exit(now)
        self.watch.tick(now)
        try:
            next(self._steps)
        except StopIteration:
            self.is_over = True
        if now > self._deadline:
            self.result.failures.append("the case took over 120 s")
            self.is_over = True

    def close(self) -> Result:
        for pid in [*_session_members(self.pid), self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.master)
        os.waitpid(self.pid, 0)
        self.watch.close()
        shutil.rmtree(self._home, ignore_errors=True)
        self.result.probes = self.watch.probes
        return self.result

    def _script(self) -> Iterator[None]:
        for number, step in enumerate(self.case.step):
            asks = len(self.watch.opened)
            since = 0.0
            if "send" in step:
                keys = re.sub(r"<([a-z-]+)>", lambda match: _KEYS[match[1]], str(step["send"])).encode()
                since = time.monotonic()
                self.watch.detector.on_input(since, keys)
                os.write(self.master, keys)
            if "see" in step:
                seen = yield from self._until(self._sees(step["see"]))
                if not seen:
                    self._fail(number, f"never saw {step['see']!r}")
                    return
            expected = step.get("expect")
            if expected == "working":
                yield from self._expect_work(number, step)
            elif expected == "exited":
                if not (yield from self._until(lambda: not self._is_alive)):
                    self._fail(number, "did not exit")
            elif expected is not None:
                yield from self._expect_wait(number, step, asks, since)

    def _expect_work(self, number: int, step: dict[str, Any]) -> Iterator[None]:
        grace = time.monotonic() + step.get("grace", 0.6)
        end = time.monotonic() + max(step.get("hold", 2.0) * self._hold, step.get("least", 0.0))
        self.result.windows += 1
        while time.monotonic() < end:
            yield
            said = self.watch.detector.verdict
            if said.attention.value in ("asking", "idle") and time.monotonic() > grace:
                self.result.false_alarms += 1
                self._fail(number, f"said {said.attention.value} ({said.rule}) while the program works")
                return

    def _expect_wait(self, number: int, step: dict[str, Any], asks: int, since: float) -> Iterator[None]:
        expected = step["expect"]
        started = max(time.monotonic(), self._last_output)
        self.result.waits += 1
        is_new = "send" in step and not step.get("same") and not (expected == "idle" and "<enter>" not in step["send"])

        def says() -> bool:
            said = self.watch.detector.verdict
            return self._says(step) and (not is_new or said.since > since)

        if not (yield from self._until(says)):
            said = self.watch.detector.verdict
            self._fail(
                number, f"wanted {expected}, is {said.attention.value} {said.kind} ({said.rule})\n{self._screen()}"
            )
            return
        self.result.latencies.append(max(0.0, time.monotonic() - max(started, self._last_output)))
        end = time.monotonic() + step.get("hold", _STEADY)
        while time.monotonic() < end:
            yield
            if not self._says(step):
                said = self.watch.detector.verdict
                self._fail(number, f"fell from {expected} to {said.attention.value} ({said.rule})")
                return
        self.result.hits += 1
        self._check_ask(number, step, asks)

    def _says(self, step: dict[str, Any]) -> bool:
        attention = self.watch.detector.verdict.attention.value
        return attention in (step["expect"], step.get("or"))

    def _check_ask(self, number: int, step: dict[str, Any], asks: int) -> None:
        ask = self.watch.detector.ask
        if step["expect"] == "idle" or ask is None:
            self.result.right_kinds += 1
            return
        kinds = step.get("kinds") or [step["kind"]]
        self.result.right_kinds += ask.kind.value in kinds
        if ask.kind.value not in kinds:
            self._fail(number, f"kind {ask.kind.value}, wanted {kinds} ({ask.rule}: {ask.question!r})")
        if "question" in step and not re.search(step["question"], ask.question):
            self._fail(number, f"question {ask.question!r} lacks {step['question']!r}")
        if "options" in step and [option.label for option in ask.options] != step["options"]:
            self._fail(number, f"options {[option.label for option in ask.options]}")
        if "selected" in step and [option.label for option in ask.options if option.selected] != [step["selected"]]:
            self._fail(number, f"selected {[option.label for option in ask.options if option.selected]}")
        opened = len([change for change in self.watch.changes if isinstance(change, AskOpened)])
        wanted = asks + (0 if step.get("same") else 1)
        if opened != wanted and step.get("or") is None and ("send" in step or "same" in step):
            self._fail(number, f"{opened - asks} asks were opened, wanted {wanted - asks}")

    def _until(self, is_true: Callable[[], object]) -> Generator[None, None, bool]:
        """Wait for a fact; the generator's value says whether it came true."""
        end = time.monotonic() + _PATIENCE
        while not is_true():
            if time.monotonic() > end:
                return False
            yield
        return True

    def _sees(self, pattern: str) -> Callable[[], object]:
        return lambda: re.search(pattern, self._screen(), re.M)

    def _screen(self) -> str:
        return "\n".join(self.watch.engine.text(row) for row in range(ROWS)).rstrip("\n")

    def _fail(self, number: int, why: str) -> None:
        self.result.failures.append(f"step {number}: {why}")


def _spawn(case: Case, home: str) -> tuple[int, int]:
    for name, content in case.files.items():
        Path(home, name).write_text(content, encoding="utf-8")
    env = {
        "PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
        "PS1": "$ ", "PYTHONDONTWRITEBYTECODE": "1", **case.env,
    }  # fmt: skip  # pairs, as many as fit a row
    if case.setup and os.spawnvpe(
        os.P_WAIT, "bash", ["bash", "-c", f"cd '{home}'; exec >/dev/null 2>&1 </dev/null; {case.setup}"], env
    ):
        raise RuntimeError(f"{case.name}: the setup failed")
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.chdir(home)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvpe("bash", ["bash", "-c", case.command], env)
        finally:
            os._exit(127)
    os.set_blocking(master, False)
    os.set_inheritable(master, False)
    return pid, master


def _session_members(leader: int) -> list[int]:
    """Processes of the leader's session, by their own word."""
    members = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                members.append(int(entry.name))
    return members
