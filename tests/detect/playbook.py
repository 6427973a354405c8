"""A detector with a clock, a screen and evidence that are set: what playbooks of detection are written with."""

from __future__ import annotations

from node_agent.detect import (
    Ask,
    AskClosed,
    AskOpened,
    Change,
    Detector,
    KernelEvidence,
    Program,
    Termios,
    Wait,
)
from node_agent.io.rule_files import RuleFiles
from node_agent.protocol.states import Attention
from tests.detect.still import StillEngine

RULES = RuleFiles().book
COOKED, RAW, HIDDEN = Termios(True, True), Termios(False, False), Termios(True, False)
READER = Program(7, "installer")
READING = KernelEvidence(Wait.READING, None, (READER,))
NOBODY = KernelEvidence(Wait.NOBODY, None, (READER,))
LOOP = KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, "claude"),))
UNREADABLE = KernelEvidence(Wait.UNREADABLE, None, (Program(8, "ssh"),))


class Session:
    """A detector with a clock of its own, a screen that is set, and evidence that is set."""

    def __init__(self, text: str = "", kernel: KernelEvidence = READING, termios: Termios = COOKED) -> None:
        self.at = 100.0
        self.engine = StillEngine(text)
        self.kernel = kernel
        self.termios = termios
        self.changes: list[Change] = []
        self.probes = 0
        self.detector = Detector(RULES, self.at)
        self.detector.on_output(self.at)

    def restart(self) -> None:
        """A new agent takes over, with what the old one had open."""
        open_ask, serial = self.detector.ask, len(self.opened)
        self.detector = Detector(RULES, self.at, open_ask, serial)

    def show(self, text: str, cursor: tuple[int, int] | None = None) -> None:
        self.engine.show(text, cursor)
        self.detector.on_output(self.at)

    def send(self, keys: bytes) -> None:
        self.detector.on_input(self.at, keys)

    def run(self, seconds: float) -> None:
        """Let time pass as a caller does that sleeps exactly until `wake_at`."""
        end = self.at + seconds
        while True:
            wake = self.detector.wake_at
            if wake is None or wake > end:
                break
            self.at = max(self.at, wake)
            step = self.detector.tick(self.at, self.engine)  # type: ignore[arg-type] # the part of Engine that is read
            self.changes += step.changes
            if step.probe:
                self.probes += 1
                self.detector.on_probe(self.at, self.kernel, self.termios)
                self.changes += self.detector.tick(self.at, self.engine).changes  # type: ignore[arg-type] # as above
        self.at = end

    @property
    def attention(self) -> Attention:
        return self.detector.verdict.attention

    def says(self, attention: Attention) -> bool:
        return self.detector.verdict.attention is attention

    @property
    def ask(self) -> Ask:
        assert self.detector.ask is not None
        return self.detector.ask

    @property
    def opened(self) -> list[AskOpened]:
        return [change for change in self.changes if isinstance(change, AskOpened)]

    @property
    def closed(self) -> list[AskClosed]:
        return [change for change in self.changes if isinstance(change, AskClosed)]


def asked(text: str = "Continue? [y/N] ", kernel: KernelEvidence = READING, termios: Termios = COOKED) -> Session:
    """A session with one ask open."""
    session = Session(text, kernel, termios)
    session.run(2)
    assert len(session.opened) == 1
    return session
