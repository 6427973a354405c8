"""One session's attention and its open ask, from everything that happens to the session.

A state machine without IO. The caller tells it of output, input, events, reports and the exit, and calls `tick` at
`wake_at`; a step that wants a probe is followed by `on_probe` and another `tick`. Nothing is probed while output
flows; the longer nothing happens, the rarer the probes.

    working ──(judged to wait, twice, quiet for as long as the evidence needs)──> asking or idle
    asking, idle ──(reader gone twice, question changed, submit then output, busy again)──> working
    any ──(exit)──> exited
    any ──(screen behind its journal)──> working while output comes, else unknown, until caught up
"""

from __future__ import annotations

from typing import List, Optional, Set, Tuple

from node_agent.detect.activity import Activity
from node_agent.detect.asks import REPORT, Ask, is_same, is_submit
from node_agent.detect.changes import Step, Verdict
from node_agent.detect.evidence import Fact, KernelEvidence, Report, Termios, Wait
from node_agent.detect.explain import Known, explain
from node_agent.detect.judge import Judgement, Situation, judge, judge_by_kernel
from node_agent.detect.own_word import OwnWord
from node_agent.detect.prompts import Shape
from node_agent.detect.reader import ScreenReader
from node_agent.detect.rules import RuleBook, Where
from node_agent.detect.sight import Sight
from node_agent.detect.standing import Standing
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Engine, Event, EventKind

SETTLE = 0.06
"""Seconds without output before the first probe."""

_CONFIRM = 0.04  # evidence must be seen twice, this far apart
_GONE = 0.3  # a prompt must be missing this long before a held verdict falls without the kernel's word
_FLOW_LOOK = 0.25  # how often flowing output is looked at
_FLOW = 0.5  # output flowing this long may have painted a prompt away
_GROWTH_LIFE = 1.0  # a journal that has not grown for this long says nothing about a screen behind it
_SUBMIT_LIFE = 5.0  # output later than this after a submit is not its echo
_STUCK = 300.0
_MOST_SEEN_PROMPTS = 64


class Detector:
    """`open_ask` is what the last agent had open: it stays open until evidence ends it, and is never opened twice."""

    def __init__(self, rules: RuleBook, at: float, open_ask: Optional[Ask] = None, last_serial: int = 0) -> None:
        self._standing = Standing(at, open_ask, last_serial)
        self._reader = ScreenReader(rules)
        self._word = OwnWord()
        self._activity = Activity(at)
        self._kernel = KernelEvidence(Wait.UNREADABLE)
        self._termios: Optional[Termios] = None
        self._probed_at = -1.0
        self._is_judged = True  # the last probe has been judged
        self._next_probe = at + SETTLE
        self._sight: Tuple[object, ...] = ()
        self._sight_since = at
        self._is_flowing = False
        self._next_flow_look = at
        self._submitted_at: Optional[float] = None
        self._last_submit = float("-inf")
        self._is_submitted = False
        self._seen_prompts: Set[str] = set()
        self._is_behind = False
        self._grown_at = at - _GROWTH_LIFE

    # What happens to the session.

    def on_output(self, at: float) -> None:
        """Bytes were fed to the engine."""
        self._activity.on_output(at)
        if not self._is_flowing:
            self._is_flowing = True
            self._next_flow_look = at + _FLOW_LOOK
        if self._submitted_at is not None:
            answered = at - self._submitted_at < _SUBMIT_LIFE
            self._submitted_at = None
            if answered and not self._standing.is_full_screen:
                self._word.report = None
                self._release(at, "a submit was followed by output", 0.9)

    def on_input(self, at: float, data: bytes) -> None:
        """Keys were sent to the session; not the agent's own answers to queries."""
        self._activity.on_input(at)
        self._next_probe = min(self._next_probe, at + SETTLE)
        if is_submit(data):
            self._submitted_at = self._last_submit = at
            self._is_submitted = True
            prompt = self._reader.prompt
            if prompt.shape is Shape.SHELL and len(self._seen_prompts) < _MOST_SEEN_PROMPTS:
                self._seen_prompts.add(prompt.question)

    def on_resize(self, at: float) -> None:
        """The redraw that follows is no answer to anything."""
        self._submitted_at = None
        self._reader.forget()
        self._next_probe = min(self._next_probe, at + SETTLE)

    def on_event(self, at: float, event: Event) -> None:
        """The program told its terminal something besides cells."""
        self._word.on_event(at, event)
        if event.kind is EventKind.NOTIFICATION:
            self._on_notification(at, event.text)

    def on_report(self, at: float, state: str, text: str = "", source: str = "") -> None:
        """The program's own word, or its hook's: "asking", "working", "idle" or "done"."""
        self._word.report = Report(at, state, text, source)
        self._next_probe = min(self._next_probe, at)
        rule = REPORT + source
        if state == "asking":
            kind = self._reader.prompt.kind or AskKind.CONFIRM
            if self.ask is None:
                self._accept(at, Judgement(Attention.ASKING, rule, 0, 0.95, kind), text)
        elif state == "working":
            self._release(at, rule, 0.95)
        else:
            self._accept(at, Judgement(Attention.IDLE, rule, 0, 0.95))

    def on_rules(self, at: float, rules: RuleBook) -> None:
        """The rules have changed: what is on screen is judged by the new ones."""
        self._reader.rules = rules
        self._next_probe = at

    def on_stir(self, at: float) -> None:
        """Something in the session ran, though it printed nothing: look soon."""
        self._next_probe = min(self._next_probe, at)

    def on_behind(self, at: float, is_behind: bool) -> None:
        """The engine is (no longer) behind the journal: what is on screen is not what is asked."""
        self._is_behind = is_behind
        self._next_probe = at
        if is_behind:
            self._judge_unseen(at)

    def on_growth(self, at: float) -> None:
        """The journal grew, ahead of a screen that is behind it."""
        self._grown_at = at
        self._judge_unseen(at)

    def on_exit(self, at: float, how: str = "") -> None:
        """The session's leader ended."""
        self._standing.close_ask("the session ended")
        self._standing.set(Verdict(Attention.EXITED, at, f"exit {how}".strip(), 1.0))

    def on_probe(self, at: float, kernel: KernelEvidence, termios: Optional[Termios]) -> None:
        """The answer to a step that asked for a probe; `termios` of the terminal that is read."""
        self._kernel, self._termios, self._probed_at = kernel, termios, at
        self._is_judged = self._is_flowing  # what was looked at before the newest output says nothing about it
        self._activity.on_cpu(at, kernel.cpu, kernel.is_running)

    # What comes of it.

    @property
    def verdict(self) -> Verdict:
        return self._standing.verdict

    @property
    def ask(self) -> Optional[Ask]:
        return self._standing.ask

    @property
    def wake_at(self) -> Optional[float]:
        """When to call `tick` next; None while only an event can change anything."""
        if self._standing.has_news:
            return self._activity.last_output
        if self.verdict.attention is Attention.EXITED:
            return None
        if self._is_behind:
            is_growing = self.verdict.attention is Attention.WORKING
            return self._grown_at + _GROWTH_LIFE if is_growing else None
        if self._is_flowing:
            return min(self._activity.last_output + SETTLE, self._next_flow_look)
        return self._next_probe

    def tick(self, at: float, engine: Engine) -> Step:
        """Go on as far as the evidence at hand allows."""
        probe = False
        if self._is_behind:
            self._judge_unseen(at)
        elif self.verdict.attention is not Attention.EXITED:
            if self._activity.look(engine):
                self._next_probe = min(self._next_probe, self._activity.last_output + SETTLE)
            self._is_flowing = not self._is_settled(at)
            if self._is_flowing:
                self._look_while_flowing(at, engine)
            else:
                if not self._is_judged:
                    self._judge(at, engine)
                probe = at >= self._next_probe
        return Step(self._standing.take_news(), probe)

    def sight(self, engine: Engine) -> Sight:
        """What the screen asks at this moment, under the last evidence, judged or not."""
        view = self._reader.read(engine, self._kernel, self._termios)
        shown = self.ask is not None and self._is_shown(self.ask, self._reader.prompt.kind)
        roles = self._reader.roles(self._kernel)
        return Sight(self._reader.prompt, view, roles, self._termios, self.ask if shown else None)

    def explain(self, at: float) -> List[Fact]:
        """Every piece of evidence, the newest look at each."""
        reader = self._reader
        known = Known(
            self._kernel,
            self._termios,
            self._probed_at,
            reader.view,
            reader.reading,
            self._activity,
            self._word.report,
        )
        return explain(at, known) + list(self._word.facts)

    # How.

    def _is_settled(self, at: float) -> bool:
        """Whether output has paused; one that only turns a clock or spinner counts as a pause."""
        return at >= self._activity.last_output + SETTLE or at >= self._activity.last_change + 4 * SETTLE

    def _judge(self, at: float, engine: Engine) -> None:
        self._is_judged = True
        quiet = at - self._activity.last_output
        roles = self._reader.roles(self._kernel)
        found = None if quiet > _STUCK else judge_by_kernel(self._kernel, self._termios, roles)
        if found is None:
            found = judge(self._situation(at, engine))
        else:
            self._reader.clear()
        self._apply(at, self._word.heed(at, found, self._reader.reading))

    def _situation(self, at: float, engine: Engine) -> Situation:
        view = self._reader.read(engine, self._kernel, self._termios)
        activity, prompt = self._activity, self._reader.prompt
        quiet = at - activity.last_output
        return Situation(
            self._kernel,
            self._termios,
            view,
            self._reader.reading,
            self._reader.roles(self._kernel),
            quiet=quiet,
            still=at - activity.last_change,
            cpu=activity.cpu_share(),
            period=activity.period(),
            is_progressing=self._word.is_progressing(quiet),
            is_at_prompt_mark=self._word.is_at_prompt_mark,
            is_submitted=self._is_submitted,
            is_unanswered=self._last_submit > activity.last_output,
            since_submit=at - self._last_submit,
            is_returned=prompt.shape is Shape.SHELL and prompt.question in self._seen_prompts,
        )

    def _apply(self, at: float, found: Judgement) -> None:
        quiet, still = at - self._activity.last_output, at - self._activity.last_change
        reader = self._kernel.reader
        sight = (found.attention, found.is_firm, self._kernel.wait, reader.pid if reader else 0)
        if sight != self._sight:
            self._sight, self._sight_since = sight, at
        seen_for = at - self._sight_since
        if self._is_held_by(found):
            self._refresh(at, found)
            self._schedule(at, 0.5 * (at - max(self.verdict.since, self._activity.last_output)), 2.0)
        elif found.attention in (Attention.ASKING, Attention.IDLE):
            calm = still if found.by_stillness else quiet
            wanted = max(found.need - calm, _CONFIRM - seen_for)
            if wanted <= 0:
                self._accept(at, found)
                self._schedule(at, 0.1, 0.1)
            else:
                if not self._standing.is_held:
                    self._set_working(at, found.rule, found.confidence)
                self._next_probe = at + max(wanted, 0.02)
        elif self._standing.is_held:
            is_gone = found.is_firm or bool(self._reader.reading.busy)
            if seen_for >= (_CONFIRM if is_gone else _GONE) and (is_gone or not self._is_still_shown()):
                self._release(at, found.rule, found.confidence)
            self._schedule(at, _CONFIRM, _CONFIRM) if seen_for < _GONE else self._schedule(at, 0.5 * quiet, 1.0)
        else:
            self._set_working(at, found.rule, found.confidence, found.attention)
            long_quiet = 2.0 if quiet > 20.0 else 1.0
            self._schedule(at, (3.0 if found.is_firm else 0.4) * quiet, long_quiet if found.is_firm else 0.5)

    def _schedule(self, at: float, wait: float, longest: float) -> None:
        self._next_probe = at + min(max(wait, 0.045), longest)

    def _is_shown(self, ask: Ask, kind: Optional[AskKind]) -> bool:
        """Whether what was read last is this ask."""
        view = self._reader.view
        return view is not None and is_same(ask, kind, self._reader.prompt, self._kernel, view)

    def _is_held_by(self, found: Judgement) -> bool:
        if found.attention is Attention.ASKING and self.ask is not None:
            if self.ask.is_reported or found.rule.startswith(REPORT):
                return True
            return self._is_shown(self.ask, found.kind)
        return found.attention is Attention.IDLE and self.verdict.attention is Attention.IDLE

    def _is_still_shown(self) -> bool:
        prompt = self._reader.prompt
        return self._is_shown(self.ask, prompt.kind) if self.ask is not None else prompt.is_rest

    def _refresh(self, at: float, found: Judgement) -> None:
        """The same ask or rest as before: only the marked option may have moved."""
        prompt = self._reader.prompt
        if self.ask is not None and self.ask.is_reported and not found.rule.startswith(REPORT):
            self._standing.refine(found, prompt, self._kernel, self._reader.view)
        else:
            self._standing.mark_option(prompt)
        if self.verdict.attention is not found.attention:  # restored, or caught up
            self._standing.set(Verdict(found.attention, at, found.rule, found.confidence, found.kind))

    def _accept(self, at: float, found: Judgement, text: str = "") -> None:
        prompt = self._reader.prompt._replace(question=text) if text else self._reader.prompt
        self._is_submitted = False
        self._standing.accept(at, found, prompt, self._kernel, self._reader.view)

    def _release(self, at: float, reason: str, confidence: float) -> None:
        self._standing.close_ask(reason)
        self._sight = ()
        self._set_working(at, reason, confidence)

    def _set_working(self, at: float, rule: str, confidence: float, attention: Attention = Attention.WORKING) -> None:
        is_stuck = (
            bool(self._reader.reading.busy)
            and at - self._activity.last_output > _STUCK
            and self._activity.cpu_share() < 0.01
        )
        self._standing.set(Verdict(attention, at, rule, confidence, note="stuck?" if is_stuck else ""))

    def _judge_unseen(self, at: float) -> None:
        """Behind its journal a screen proves nothing; that more and more is printed does, unless an ask is open."""
        if not self._is_behind or self.verdict.attention is Attention.EXITED:
            return
        if at < self._grown_at + _GROWTH_LIFE and self.ask is None:
            self._standing.set(Verdict(Attention.WORKING, at, "output comes faster than the screen is drawn", 0.95))
        else:
            self._standing.set(Verdict(Attention.UNKNOWN, at, "the screen is behind the journal", 1.0))

    def _look_while_flowing(self, at: float, engine: Engine) -> None:
        """Output that never pauses is work, and ends what it has scrolled or painted away; no probe is spent on it."""
        self._next_flow_look = at + _FLOW_LOOK
        if at - self._activity.flowing_since < _FLOW:
            return
        if not self._standing.is_held:
            if self.verdict.attention is Attention.UNKNOWN:  # output since before the first look was never judged
                self._set_working(at, "output flows", 0.8)
            return
        self._reader.read(engine, self._kernel, self._termios)
        if not self._is_still_shown() and not self._standing.is_full_screen:
            self._release(at, "output flows and the prompt is gone", 0.8)

    def _on_notification(self, at: float, text: str) -> None:
        for program in self._reader.known(self._kernel):
            for rule in program.rules:
                if rule.where is Where.NOTIFICATION and rule.pattern.search(text):
                    body = text.partition("\n")[2] or text
                    self.on_report(at, rule.state.value, body.strip()[:200], rule.name)
                    return
