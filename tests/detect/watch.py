"""Engine, detector and prober of one session put together, as the agent does it, over a PTY at hand."""

from __future__ import annotations

from node_agent.detect import AskClosed, AskOpened, Change, Detector, RuleBook
from node_agent.io.probe import Prober, ProcReader, inner_termios, read_termios
from node_agent.terminal.engines import create_engine


class Watch:
    """Everything about one session that a test or benchmark asks of detection."""

    def __init__(
        self,
        master: int,
        leader: int,
        rules: RuleBook,
        at: float,
        columns: int = 80,
        rows: int = 24,
        reader: ProcReader | None = None,
    ) -> None:
        self.engine = create_engine(columns=columns, rows=rows)
        self.detector = Detector(rules, at)
        self.prober = Prober(leader, reader)
        self.probes = 0
        self.changes: list[Change] = []
        self._master = master

    @property
    def opened(self) -> list[AskOpened]:
        return [change for change in self.changes if isinstance(change, AskOpened)]

    @property
    def closed(self) -> list[AskClosed]:
        return [change for change in self.changes if isinstance(change, AskClosed)]

    def on_output(self, at: float, data: bytes) -> None:
        self.engine.feed(data)
        for event in self.engine.drain_events():
            self.detector.on_event(at, event)
        self.detector.on_output(at)

    def close(self) -> None:
        self.prober.close()

    def tick(self, at: float) -> None:
        """Do what is due."""
        if self.detector.wake_at is None or at < self.detector.wake_at:
            return
        step = self.detector.tick(at, self.engine)
        self.changes += step.changes
        if step.probe:
            self.probes += 1
            kernel = self.prober.probe()
            self.detector.on_probe(at, kernel, inner_termios(kernel) or read_termios(self._master))
            self.changes += self.detector.tick(at, self.engine).changes
