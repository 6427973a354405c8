"""What a session is held to be: its verdict and its open ask, and the changes of both that nobody was told of yet."""

from __future__ import annotations

from typing import List, Optional, Tuple

from node_agent.detect.asks import Ask, make_ask, refined
from node_agent.detect.changes import AskClosed, AskOpened, AskRefined, AttentionChanged, Change, Verdict
from node_agent.detect.evidence import KernelEvidence
from node_agent.detect.judge import Judgement
from node_agent.detect.prompts import Prompt
from node_agent.detect.view import ScreenView
from node_agent.protocol.states import AskKind, Attention


class Standing:
    """Starts from the ask the last agent had open, if any: `serial` then counts on from its."""

    def __init__(self, at: float, open_ask: Optional[Ask], last_serial: int) -> None:
        self.ask = open_ask
        first = Attention.UNKNOWN if open_ask else Attention.WORKING
        self.verdict = Verdict(first, at, "restored" if open_ask else "started", 0.5)
        self._serial = max(last_serial, open_ask.serial if open_ask else 0)
        self._changes: List[Change] = []

    @property
    def is_held(self) -> bool:
        """Whether somebody is waited for, so that it takes more than one look to say otherwise."""
        return self.ask is not None or self.verdict.attention in (Attention.ASKING, Attention.IDLE)

    @property
    def is_full_screen(self) -> bool:
        return self.ask is not None and self.ask.is_full_screen

    @property
    def has_news(self) -> bool:
        return bool(self._changes)

    def take_news(self) -> Tuple[Change, ...]:
        """The changes since this was last asked."""
        changes = tuple(self._changes)
        self._changes.clear()
        return changes

    def accept(
        self, at: float, found: Judgement, prompt: Prompt, kernel: KernelEvidence, view: Optional[ScreenView]
    ) -> None:
        """Somebody is waited for: a new ask, or rest."""
        if found.attention is Attention.ASKING:
            self.close_ask("the question changed")
            self._serial += 1
            kind = found.kind or AskKind.TEXT
            self.ask = make_ask(self._serial, kind, prompt, kernel, view, found.rule, found.confidence, at)
            self._changes.append(AskOpened(self.ask))
        else:
            self.close_ask("at rest")
        self.set(Verdict(found.attention, at, found.rule, found.confidence, found.kind))

    def refine(self, found: Judgement, prompt: Prompt, kernel: KernelEvidence, view: Optional[ScreenView]) -> None:
        """What the open ask asks is on screen now: the same ask, better known."""
        if self.ask is not None:
            self.ask = refined(self.ask, found.kind, prompt, kernel, view, found.rule, found.confidence)
            self._changes.append(AskRefined(self.ask))

    def mark_option(self, prompt: Prompt) -> None:
        """Another option of the same ask may be the marked one now."""
        if self.ask is not None and prompt.options and prompt.options != self.ask.options:
            self.ask = self.ask._replace(options=prompt.options)

    def close_ask(self, reason: str) -> None:
        if self.ask is not None:
            self._changes.append(AskClosed(self.ask, reason))
            self.ask = None

    def set(self, verdict: Verdict) -> None:
        """Take on a verdict; one that says the same keeps its age, and an exit is final."""
        old = self.verdict
        if old.attention is Attention.EXITED:
            return
        is_same_state = (old.attention, old.kind, old.note) == (verdict.attention, verdict.kind, verdict.note)
        if is_same_state and verdict.attention is not Attention.ASKING:
            self.verdict = verdict._replace(since=old.since)
            return
        self.verdict = verdict
        self._changes.append(AttentionChanged(verdict))
