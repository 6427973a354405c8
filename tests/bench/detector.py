"""The shipped detection behind the interface of the shared prompt benchmark, and beside its baselines in one run.

`tests.bench.detector:create` has everything, `:create_refused` is denied what needs the right to trace a process.
Keeper reads are direct ones here. The benchmark lies beside the repository; its README says what it needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from node_agent.io.probe import ProcReader, RefusingReader
from node_agent.io.rule_files import RuleFiles
from node_agent.protocol.states import AskKind, Attention
from tests.bench.report import Check, Report
from tests.detect.watch import Watch

ROOT = Path(__file__).parents[2]
PROMPTS = ROOT.parent / "shared" / "prompts"
OURS = "tests.bench.detector:create"
BASELINES = {
    "detectors.oly_rules:create": "Open Relay's rules",
    "detectors.oly_rules:create_nocooldown": "the same without cooldown",
    "detectors.oly_rules:create_silence": "2 s of silence",
}
_AT_ONCE = 3  # cases side by side; more would measure the machine
_LIMIT = 1800.0

_STATES = {Attention.ASKING: "input-needed"}
_KINDS = {AskKind.KEY: "confirm", AskKind.LOGIN: "text"}


class BenchDetector:
    """One session of the benchmark."""

    tick_interval = 0.02

    def __init__(self, reader: ProcReader | None = None) -> None:
        self._reader = reader
        self._rules = RuleFiles().book
        self._watch: Watch | None = None

    def start(self, session: Any) -> None:
        self._watch = Watch(
            session.master_fd, session.pid, self._rules, session.t0, session.cols, session.rows, self._reader
        )

    def on_output(self, data: bytes, at: float) -> None:
        self._session.on_output(at, data)

    def on_input(self, data: bytes, at: float) -> None:
        self._session.detector.on_input(at, data)

    def on_exit(self, at: float, status: object) -> None:
        self._session.detector.on_exit(at, str(status))

    def tick(self, at: float) -> tuple[str, str | None, str]:
        self._session.tick(at)
        verdict = self._session.detector.verdict
        ask = self._session.detector.ask
        kind = None if verdict.kind is None else _KINDS.get(verdict.kind, verdict.kind.value)
        if verdict.attention is Attention.IDLE:
            kind = "repl"
        why = f"{verdict.rule}; {ask.rule}; {ask.question}" if ask else verdict.rule
        return _STATES.get(verdict.attention, verdict.attention.value), kind, why

    @property
    def _session(self) -> Watch:
        assert self._watch is not None
        return self._watch


def create() -> BenchDetector:
    """Everything the agent has."""
    return BenchDetector()


def create_refused() -> BenchDetector:
    """Without kernel evidence."""
    return BenchDetector(RefusingReader())


def measure() -> Report:
    """Run the public cases with ours and with each baseline."""
    title = "Prompts"
    workload = f"The public cases of the prompt benchmark, {_AT_ONCE} side by side, each detector in turn."
    if not PROMPTS.exists():
        return Report(title, "Not run: the prompt benchmark is not beside the repository.", ("",), ())
    scores = {name: _score(name) for name in (OURS, *BASELINES)}
    ours = scores[OURS]
    checks = [
        Check("precision and recall 1.00", ours["precision"] == ours["recall"] == 1.0),
        Check("kind at least 0.95", ours["kind_accuracy"] >= 0.95),
        Check("median at most 0.25 s", ours["latency_median"] <= 0.25),
        Check("95th percentile at most 0.9 s", ours["latency_p95"] <= 0.9),
        *(Check(f"better than {BASELINES[name]}", _is_better(ours, scores[name])) for name in BASELINES),
    ]
    rows = [_row(BASELINES.get(name, "relaytui"), score) for name, score in scores.items()]
    headings = ("", "cases", "precision", "recall", "kind", "median", "p95", "false alarms")
    return Report(title, workload, headings, rows, checks)


def _score(detector: str) -> dict[str, Any]:
    """One detector over the public cases: the runner's summary."""
    with tempfile.TemporaryDirectory(prefix="relaytui-bench-") as directory:
        out = Path(directory) / "scores.json"
        command = [sys.executable, "run.py", "--public", "--detector", detector, "-j", str(_AT_ONCE), "-o", str(out)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, cwd=PROMPTS, env=env, stdout=subprocess.DEVNULL, check=True, timeout=_LIMIT)
        summary: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))["summary"]
        return summary


def _is_better(ours: dict[str, Any], other: dict[str, Any]) -> bool:
    """More right, and sooner."""
    return bool(ours["f1"] > other["f1"] and ours["latency_median"] < other["latency_median"])


def _row(name: str, score: dict[str, Any]) -> list[str]:
    kind = "" if score["kind_accuracy"] is None else f"{score['kind_accuracy']:.2f}"
    return [
        name,
        str(score["cases"]),
        f"{score['precision']:.2f}",
        f"{score['recall']:.2f}",
        kind,
        f"{score['latency_median']:.2f} s",
        f"{score['latency_p95']:.2f} s",
        f"{score['windows_with_false_alarm']} of {score['working_windows']}",
    ]
