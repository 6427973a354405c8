"""The shipped detection behind the interface of the shared prompt benchmark; keeper reads are direct ones here.

`tests.bench.detector:create` has everything, `:create_refused` is denied what needs the right to trace a process.
"""

from __future__ import annotations

from typing import Any

from node_agent.io.probe import ProcReader, RefusingReader
from node_agent.io.rule_files import RuleFiles
from node_agent.protocol.states import AskKind, Attention
from tests.detect.watch import Watch

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
