"""The program's own word on its state: reports, prompt marks, progress and what else it told its terminal."""

from __future__ import annotations

from typing import List, Optional

from node_agent.detect.asks import REPORT
from node_agent.detect.evidence import Fact, Report
from node_agent.detect.judge import Judgement
from node_agent.detect.prompts import Shape
from node_agent.detect.screen import Reading
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Event, EventKind

_HOLD, _ASKING_HOLD = 1.5, 5.0  # evidence may overrule a report only after this; a dialog is drawn after its hooks ran
_PROGRESS_LIFE = 30.0  # a program that died left its progress bar behind
_MOST_FACTS = 8
_TEXT_LIMIT = 200


class OwnWord:
    """What one session's program has said. `report` holds until evidence has contradicted it for a while."""

    def __init__(self) -> None:
        self.report: Optional[Report] = None
        self.facts: List[Fact] = []  # the latest of each source
        self.is_at_prompt_mark = False  # OSC 133 A or B was the last mark
        self._is_progressing = False
        self._spent: Optional[Report] = None  # the report whose question was seen on screen, or was seen to be over

    def on_event(self, at: float, event: Event) -> None:
        """The program told its terminal something besides cells."""
        if event.kind is EventKind.PROMPT_MARK:
            self.is_at_prompt_mark = event.text[:1] in ("A", "B")
        elif event.kind is EventKind.PROGRESS:
            self._is_progressing = event.text[:1] in ("1", "3")
        if event.kind not in (EventKind.CWD, EventKind.CLIPBOARD):
            fact = Fact(event.kind.value.replace("_", " "), event.text[:_TEXT_LIMIT], at)
            others = [other for other in self.facts if other.source != fact.source]
            self.facts = [*others[1 - _MOST_FACTS :], fact]

    def is_progressing(self, quiet: float) -> bool:
        """Whether a progress bar (OSC 9;4) runs, after `quiet` seconds without output."""
        return self._is_progressing and quiet < _PROGRESS_LIFE

    def heed(self, at: float, found: Judgement, reading: Reading) -> Judgement:
        """The judgement under the last report; one of rest is overruled by anything but weak evidence."""
        report = self.report
        if report is None or report is self._spent:
            return found
        is_fresh = at - report.at < (_ASKING_HOLD if report.state == "asking" else _HOLD)
        is_weak = found.attention in (Attention.WORKING, Attention.UNKNOWN) and not found.is_firm and not reading.busy
        rule = REPORT + report.source
        if report.state == "asking":
            is_drawn = reading.prompt.is_ruled or reading.prompt.shape in (Shape.MENU, Shape.BUTTONS, Shape.FIELD)
            is_over = found.attention is Attention.IDLE and not is_fresh
            if is_over or (found.attention is Attention.ASKING and is_drawn):
                # From here on the screen tells of it, and of its end: an answer need be no submit.
                self._spent = report
                return found
        if report.state == "working":
            return Judgement(Attention.WORKING, rule, confidence=0.9) if is_fresh else found
        if not (is_fresh or is_weak):
            if found.attention is Attention.WORKING:
                self.report = None
            return found
        if found.attention is Attention.ASKING:
            return found
        if report.state == "asking":
            return Judgement(Attention.ASKING, rule, 0, 0.95, reading.prompt.kind or AskKind.CONFIRM)
        return Judgement(Attention.IDLE, rule, 0, 0.95)
