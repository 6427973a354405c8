"""One session's attention and its open ask, from everything that happens to the session.

A state machine without IO. The caller tells it of output, input, events, reports and the exit, and calls `tick` at
`wake_at`; a step that wants a probe is followed by `on_probe` and another `tick`. Nothing is probed while output
flows; the longer nothing happens, the rarer the probes.

    working ──(judged to wait, twice, quiet for as long as the evidence needs)──> asking or idle
    asking, idle ──(reader gone twice, question changed, submit then output, busy again)──> working
    any ──(exit)──> exited;  any ──(screen behind its journal)──> unknown until caught up
"""

from __future__ import annotations

from typing import FrozenSet, List, Optional, Set, Tuple

from node_agent.detect.activity import Activity
from node_agent.detect.asks import REPORT, Ask, is_same, is_submit, make_ask, refined
from node_agent.detect.changes import AskClosed, AskOpened, AskRefined, AttentionChanged, Change, Step, Verdict
from node_agent.detect.evidence import Fact, KernelEvidence, Report, Termios, Wait
from node_agent.detect.explain import Known, explain
from node_agent.detect.judge import Judgement, Situation, judge
from node_agent.detect.prompts import NO_PROMPT, Prompt, Shape
from node_agent.detect.rules import ProgramRules, Role, RuleBook, Where
from node_agent.detect.screen import Reading, read_prompt
from node_agent.detect.sight import Sight
from node_agent.detect.view import ScreenView, read_screen
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Engine, Event, EventKind

SETTLE = 0.06
"""Seconds without output before the first probe."""

_CONFIRM = 0.04  # evidence must be seen twice, this far apart
_GONE = 0.3  # a prompt must be missing this long before a held verdict falls without the kernel's word
_FLOW_LOOK = 0.25  # how often flowing output is looked at
_FLOW = 0.5  # output flowing this long may have painted a prompt away
_SUBMIT_LIFE = 5.0  # output later than this after a submit is not its echo
_REPORT_HOLD = 1.5  # evidence may overrule a report only after this
_STUCK = 300.0


class Detector:
    """`open_ask` is what the last agent had open: it stays open until evidence ends it, and is never opened twice."""

    def __init__(self, rules: RuleBook, at: float, open_ask: Optional[Ask] = None, last_serial: int = 0) -> None:
        self.rules = rules
        self.ask = open_ask
        first = Attention.UNKNOWN if open_ask else Attention.WORKING
        self.verdict = Verdict(first, at, "restored" if open_ask else "started", 0.5)
        self._serial = max(last_serial, open_ask.serial if open_ask else 0)
        self._activity = Activity(at)
        self._changes: List[Change] = []
        self._kernel = KernelEvidence(Wait.UNREADABLE)
        self._termios: Optional[Termios] = None
        self._probed_at = -1.0
        self._is_judged = True  # the last probe has been judged
        self._next_probe = at + SETTLE
        self._sight: Tuple[object, ...] = ()
        self._sight_since = at
        self._screen_key: Tuple[object, ...] = ()
        self._reading_key: Tuple[object, ...] = ()
        self._view: Optional[ScreenView] = None
        self._reading = Reading(NO_PROMPT)
        self._is_flowing = False
        self._next_flow_look = at
        self._submitted_at: Optional[float] = None
        self._last_submit = at - 1.0
        self._is_submitted = False
        self._seen_prompts: Set[str] = set()
        self._report: Optional[Report] = None
        self._is_behind = False
        self._is_progressing = False
        self._is_at_prompt_mark = False
        self._events: List[Fact] = []

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
            if answered and not (self.ask is not None and self.ask.kind in (AskKind.EDITOR, AskKind.PAGER)):
                self._report = None
                self._release(at, "a submit was followed by output", 0.9)

    def on_input(self, at: float, data: bytes) -> None:
        """Keys were sent to the session; not the agent's own answers to queries."""
        self._activity.on_input(at)
        self._next_probe = min(self._next_probe, at + SETTLE)
        if is_submit(data):
            self._submitted_at = self._last_submit = at
            self._is_submitted = True
            if self._view is not None and self._reading.prompt.shape is Shape.SHELL and len(self._seen_prompts) < 64:
                self._seen_prompts.add(self._reading.prompt.question)

    def on_resize(self, at: float) -> None:
        """The redraw that follows is no answer to anything."""
        self._submitted_at = None
        self._screen_key = ()
        self._next_probe = min(self._next_probe, at + SETTLE)

    def on_event(self, at: float, event: Event) -> None:
        """The program told its terminal something besides cells."""
        if event.kind is EventKind.PROMPT_MARK:
            self._is_at_prompt_mark = event.text[:1] in ("A", "B")
        elif event.kind is EventKind.PROGRESS:
            self._is_progressing = event.text[:1] in ("1", "3")
        elif event.kind is EventKind.NOTIFICATION:
            self._on_notification(at, event.text)
        if event.kind not in (EventKind.CWD, EventKind.CLIPBOARD):
            fact = Fact(event.kind.value.replace("_", " "), event.text[:200], at)
            others = [other for other in self._events if other.source != fact.source]
            self._events = [*others[-7:], fact]

    def on_report(self, at: float, state: str, text: str = "", source: str = "") -> None:
        """The program's own word, or its hook's: "asking", "working", "idle" or "done"."""
        self._report = Report(at, state, text, source)
        self._next_probe = min(self._next_probe, at)
        if state == "asking":
            prompt = self._reading.prompt
            kind = prompt.kind or AskKind.CONFIRM
            if self.ask is None:
                self._accept(at, Judgement(Attention.ASKING, f"report: {source}", 0, 0.95, kind), text)
        elif state == "working":
            self._release(at, f"report: {source}", 0.95)
        else:
            self._accept(at, Judgement(Attention.IDLE, f"report: {source}", 0, 0.95))

    def on_rules(self, at: float, rules: RuleBook) -> None:
        """The rules have changed: what is on screen is judged by the new ones."""
        self.rules = rules
        self._next_probe = at

    def on_behind(self, at: float, is_behind: bool) -> None:
        """The engine is (no longer) behind the journal: what is on screen is not what is asked."""
        self._is_behind = is_behind
        self._next_probe = at
        if is_behind:
            self._set(at, Verdict(Attention.UNKNOWN, at, "the screen is behind the journal", 1.0))

    def on_exit(self, at: float, how: str = "") -> None:
        """The session's leader ended."""
        self._close_ask("the session ended")
        self._set(at, Verdict(Attention.EXITED, at, f"exit {how}".strip(), 1.0))

    def on_probe(self, at: float, kernel: KernelEvidence, termios: Optional[Termios]) -> None:
        """The answer to a step that asked for a probe; `termios` of the terminal that is read."""
        self._kernel, self._termios, self._probed_at = kernel, termios, at
        self._is_judged = self._is_flowing  # what was looked at before the newest output says nothing about it
        self._activity.on_cpu(at, kernel.cpu, kernel.is_running)

    # What comes of it.

    @property
    def wake_at(self) -> Optional[float]:
        """When to call `tick` next; None while only an event can change anything."""
        if self._changes:
            return self._activity.last_output
        if self._is_behind or self.verdict.attention is Attention.EXITED:
            return None
        if self._is_flowing:
            return min(self._activity.last_output + SETTLE, self._next_flow_look)
        return self._next_probe

    def tick(self, at: float, engine: Engine) -> Step:
        """Go on as far as the evidence at hand allows."""
        probe = False
        if not self._is_behind and self.verdict.attention is not Attention.EXITED:
            if self._activity.look(engine):
                self._next_probe = min(self._next_probe, self._activity.last_output + SETTLE)
            self._is_flowing = not self._is_settled(at)
            if self._is_flowing:
                self._look_while_flowing(at, engine)
            else:
                if not self._is_judged:
                    self._judge(at, engine)
                probe = at >= self._next_probe
        changes = tuple(self._changes)
        self._changes.clear()
        return Step(changes, probe)

    def sight(self, engine: Engine) -> Sight:
        """What the screen asks at this moment, under the last evidence, judged or not."""
        view = self._look(engine)
        roles = self.rules.roles_of(self._kernel.programs)
        prompt = self._read(view, roles).prompt
        shown = self.ask is not None and is_same(self.ask, prompt.kind, prompt, self._kernel, view)
        return Sight(prompt, view, roles, self._termios, self.ask if shown else None)

    def explain(self, at: float) -> List[Fact]:
        """Every piece of evidence, the newest look at each."""
        known = Known(
            self._kernel, self._termios, self._probed_at, self._view, self._reading, self._activity, self._report
        )
        return explain(at, known) + list(self._events)

    # How.

    def _is_settled(self, at: float) -> bool:
        """Whether output has paused; one that only turns a clock or spinner counts as a pause."""
        return at >= self._activity.last_output + SETTLE or at >= self._activity.last_change + 4 * SETTLE

    def _look(self, engine: Engine) -> ScreenView:
        cursor = engine.cursor
        key = (tuple(engine.stamps()), cursor, engine.modes, engine.title)
        if key != self._screen_key or self._view is None:
            self._screen_key = key
            self._view = read_screen(engine)
        return self._view

    def _known(self) -> List[ProgramRules]:
        known = self.rules.of(self._kernel.programs)
        told = [program.role for program in known if program.role not in (Role.SHELL, Role.REPL)]
        is_blind = Role.RELAY in told or (self._kernel.wait is Wait.UNREADABLE and not told)
        if is_blind and not self._kernel.nested:
            known = known + [program for program in self.rules.programs if program not in known and program.anywhere]
        return known

    def _read(self, view: ScreenView, roles: FrozenSet[Role]) -> Reading:
        """What the screen says, read once for each screen under the same evidence."""
        termios = self._termios
        key = (self._screen_key, self._kernel.programs, self._kernel.wait, termios, self.rules)
        if key != self._reading_key:
            self._reading_key = key
            is_cooked = termios is not None and termios.icanon
            is_hidden = termios is not None and termios.is_hidden
            self._reading = read_prompt(view, self._known(), roles, is_cooked, is_hidden)
        return self._reading

    def _judge(self, at: float, engine: Engine) -> None:
        self._is_judged = True
        view = self._look(engine)
        roles = self.rules.roles_of(self._kernel.programs)
        prompt = self._read(view, roles).prompt
        activity = self._activity
        situation = Situation(
            self._kernel,
            self._termios,
            view,
            self._reading,
            roles,
            quiet=at - activity.last_output,
            still=at - activity.last_change,
            cpu=activity.cpu_share(),
            period=activity.period(),
            is_progressing=self._is_progressing and at - activity.last_output < 30.0,
            is_at_prompt_mark=self._is_at_prompt_mark,
            is_submitted=self._is_submitted,
            is_unanswered=self._last_submit > activity.last_output,
            is_returned=prompt.shape is Shape.SHELL and prompt.question in self._seen_prompts,
        )
        self._apply(at, situation, self._heed_report(at, judge(situation)))

    def _heed_report(self, at: float, found: Judgement) -> Judgement:
        """A report holds until evidence has contradicted it for a while; an idle one against weak evidence only."""
        report = self._report
        if report is None:
            return found
        is_fresh = at - report.at < _REPORT_HOLD
        is_weak = (
            found.attention in (Attention.WORKING, Attention.UNKNOWN) and not found.is_firm and not self._reading.busy
        )
        rule = f"report: {report.source}"
        if report.state == "working":
            return Judgement(Attention.WORKING, rule, confidence=0.9) if is_fresh else found
        if not (is_fresh or is_weak):
            if found.attention is Attention.WORKING:
                self._report = None
            return found
        if found.attention is Attention.ASKING:
            return found
        if report.state == "asking":
            return Judgement(Attention.ASKING, rule, 0, 0.95, self._reading.prompt.kind or AskKind.CONFIRM)
        return Judgement(Attention.IDLE, rule, 0, 0.95)

    def _apply(self, at: float, now: Situation, found: Judgement) -> None:
        waits = found.attention in (Attention.ASKING, Attention.IDLE)
        reader = self._kernel.reader
        sight = (found.attention, found.is_firm, self._kernel.wait, reader.pid if reader else 0)
        if sight != self._sight:
            self._sight, self._sight_since = sight, at
        seen_for = at - self._sight_since
        if self._is_held_by(found, now):
            self._refresh(at, found, now)
            self._schedule(at, 0.5 * (at - max(self.verdict.since, self._activity.last_output)), 2.0)
        elif waits:
            calm = now.still if found.by_stillness else now.quiet
            wanted = max(found.need - calm, _CONFIRM - seen_for)
            if wanted <= 0:
                self._accept(at, found)
                self._schedule(at, 0.1, 0.1)
            else:
                if not self._is_held():
                    self._set_working(at, found.rule, found.confidence)
                self._next_probe = at + max(wanted, 0.02)
        elif self._is_held():
            is_gone = found.is_firm or bool(self._reading.busy)
            if seen_for >= (_CONFIRM if is_gone else _GONE) and (is_gone or not self._is_still_shown(now)):
                self._release(at, found.rule, found.confidence)
            self._schedule(at, _CONFIRM, _CONFIRM) if seen_for < _GONE else self._schedule(at, 0.5 * now.quiet, 1.0)
        else:
            self._set_working(at, found.rule, found.confidence, found.attention)
            long_quiet = 2.0 if now.quiet > 20.0 else 1.0
            self._schedule(at, (3.0 if found.is_firm else 0.4) * now.quiet, long_quiet if found.is_firm else 0.5)

    def _schedule(self, at: float, wait: float, longest: float) -> None:
        self._next_probe = at + min(max(wait, 0.045), longest)

    def _is_held(self) -> bool:
        return self.ask is not None or self.verdict.attention in (Attention.ASKING, Attention.IDLE)

    def _is_held_by(self, found: Judgement, now: Situation) -> bool:
        if found.attention is Attention.ASKING and self.ask is not None:
            if self.ask.is_reported or found.rule.startswith(REPORT):
                return True
            return is_same(self.ask, found.kind, now.reading.prompt, self._kernel, now.view)
        return found.attention is Attention.IDLE and self.verdict.attention is Attention.IDLE

    def _is_still_shown(self, now: Situation) -> bool:
        prompt = now.reading.prompt
        if self.ask is not None:
            return is_same(self.ask, prompt.kind, prompt, self._kernel, now.view)
        return prompt.is_rest

    def _refresh(self, at: float, found: Judgement, now: Situation) -> None:
        """The same ask or rest as before: only the marked option may have moved."""
        prompt = now.reading.prompt
        if self.ask is not None and self.ask.is_reported and not found.rule.startswith(REPORT):
            self.ask = refined(self.ask, found.kind, prompt, self._kernel, self._view, found.rule, found.confidence)
            self._changes.append(AskRefined(self.ask))
        elif self.ask is not None and prompt.options and prompt.options != self.ask.options:
            self.ask = self.ask._replace(options=prompt.options)
        if self.verdict.attention is not found.attention:  # restored, or caught up
            self._set(at, Verdict(found.attention, at, found.rule, found.confidence, found.kind))

    def _accept(self, at: float, found: Judgement, text: str = "") -> None:
        prompt: Prompt = self._reading.prompt
        if found.attention is Attention.ASKING:
            self._close_ask("the question changed")
            self._serial += 1
            kind = found.kind or AskKind.TEXT
            if text:
                prompt = prompt._replace(question=text)
            self.ask = make_ask(self._serial, kind, prompt, self._kernel, self._view, found.rule, found.confidence, at)
            self._changes.append(AskOpened(self.ask))
        else:
            self._close_ask("at rest")
        self._is_submitted = False
        self._set(at, Verdict(found.attention, at, found.rule, found.confidence, found.kind))

    def _release(self, at: float, reason: str, confidence: float) -> None:
        self._close_ask(reason)
        self._sight = ()
        self._set_working(at, reason, confidence)

    def _close_ask(self, reason: str) -> None:
        if self.ask is not None:
            self._changes.append(AskClosed(self.ask, reason))
            self.ask = None

    def _set_working(self, at: float, rule: str, confidence: float, attention: Attention = Attention.WORKING) -> None:
        is_stuck = (
            bool(self._reading.busy) and at - self._activity.last_output > _STUCK and self._activity.cpu_share() < 0.01
        )
        self._set(at, Verdict(attention, at, rule, confidence, note="stuck?" if is_stuck else ""))

    def _set(self, at: float, verdict: Verdict) -> None:
        old = self.verdict
        if old.attention is Attention.EXITED:
            return
        is_same_state = (old.attention, old.kind, old.note) == (verdict.attention, verdict.kind, verdict.note)
        if is_same_state and verdict.attention is not Attention.ASKING:
            self.verdict = verdict._replace(since=old.since)
            return
        self.verdict = verdict
        self._changes.append(AttentionChanged(verdict))

    def _look_while_flowing(self, at: float, engine: Engine) -> None:
        """Output that never pauses ends what it has scrolled or painted away; no probe is spent on it."""
        self._next_flow_look = at + _FLOW_LOOK
        if not self._is_held() or at - self._activity.flowing_since < _FLOW:
            return
        view = self._look(engine)
        prompt = self._read(view, self.rules.roles_of(self._kernel.programs)).prompt
        shown = is_same(self.ask, prompt.kind, prompt, self._kernel, view) if self.ask else prompt.is_rest
        if not shown and not (self.ask is not None and self.ask.kind in (AskKind.EDITOR, AskKind.PAGER)):
            self._release(at, "output flows and the prompt is gone", 0.8)

    def _on_notification(self, at: float, text: str) -> None:
        for program in self._known():
            for rule in program.rules:
                if rule.where is Where.NOTIFICATION and rule.pattern.search(text):
                    body = text.partition("\n")[2] or text
                    self.on_report(at, rule.state.value, body.strip()[:200], rule.name)
                    return
