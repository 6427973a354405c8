"""Policy: which asks may be answered without the operator.

Pure: `decide` looks at one ask, the rules and what was answered before, and says what to do and why. It fails
closed: a deny that may match wins, an allow must match in every part that is known, and a prompt that was not parsed,
a kind that carries a secret, or a command that could hide a second one is always the operator's. A new rule only
says what it would do until its `dry_run` is switched off.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind

ANSWERABLE = frozenset({AskKind.CONFIRM, AskKind.CHOICE})
"""Kinds a rule may answer; the others need words, secrets or a look."""

MIN_CONFIDENCE = 0.8
"""Below this the detector is not sure that the session asks at all."""

_SHELL = frozenset(";|&$`<>(){}\n\r\\")
"""Characters by which one command line becomes two, or becomes something else."""


class Action(enum.StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True)
class Rule:
    """One rule. Patterns are shell globs over the whole value; "" matches anything, also what is not known.

    `answer` is the label to choose, as a glob; a deny without one leaves the ask to the operator. `cap` counts
    answers within `window` seconds (0: ever); `expires` is in Unix seconds (0: never).
    """

    name: str
    action: Action
    program: str = ""
    command: str = ""
    node: str = ""
    tag: str = ""
    kind: AskKind | None = None
    answer: str = ""
    cap: int = 0
    window: float = 0.0
    expires: float = 0.0
    dry_run: bool = True
    shell: bool = False  # the command may hold shell operators


@dataclass(frozen=True)
class Question:
    """What a rule may look at. `tags` are those of the session and of its node."""

    node: str
    tags: frozenset[str]
    program: str
    command: str
    kind: AskKind
    options: tuple[AskOption, ...]
    confidence: float


@dataclass(frozen=True)
class Answered:
    """An automatic answer given before; `at` is in Unix seconds."""

    rule: str
    at: float


@dataclass(frozen=True)
class Decision:
    """`option` is what to choose when `action` is carried out; `dry_run` says that it must not be."""

    action: Action
    reason: str
    rule: str = ""
    option: AskOption | None = None
    dry_run: bool = False

    @property
    def acts(self) -> bool:
        """Whether an answer is to be sent."""
        return self.option is not None and not self.dry_run


def decide(
    question: Question, rules: Sequence[Rule], answered: Sequence[Answered], now: float, *, suspended: bool = False
) -> Decision:
    """What to do with an ask. Deny wins over ask, ask over allow; no rule means ask."""
    if suspended:
        return Decision(Action.ASK, "automatic answers are suspended")
    live = [rule for rule in rules if not (rule.expires and now >= rule.expires)]
    for rule in live:
        if rule.action is Action.DENY and _may_match(rule, question):
            return _carry_out(rule, question, answered, now)
    for rule in live:
        if rule.action is Action.ASK and _may_match(rule, question):
            return Decision(Action.ASK, f"rule {rule.name} asks", rule.name)
    allowed = [
        _carry_out(rule, question, answered, now)
        for rule in live
        if rule.action is Action.ALLOW and _matches(rule, question)
    ]
    # One that acts, else one that would act, else the first that could not.
    allowed.sort(key=lambda decision: (not decision.acts, decision.option is None))
    return allowed[0] if allowed else Decision(Action.ASK, "no rule matches")


def _carry_out(rule: Rule, question: Question, answered: Sequence[Answered], now: float) -> Decision:
    obstacle = _obstacle(rule, question, answered, now)
    if obstacle:
        action = Action.DENY if rule.action is Action.DENY else Action.ASK
        return Decision(action, f"rule {rule.name}: {obstacle}", rule.name)
    option = next(option for option in question.options if _fits(rule.answer, option.label))
    would = "would choose" if rule.dry_run else "chooses"
    return Decision(rule.action, f"rule {rule.name} {would} {option.label!r}", rule.name, option, rule.dry_run)


def _obstacle(rule: Rule, question: Question, answered: Sequence[Answered], now: float) -> str:
    """Why nothing may be sent although the rule matches, or ""."""
    if question.kind not in ANSWERABLE:
        return f"a {question.kind.value} ask is never answered automatically"
    if not question.options:
        return "the prompt was not parsed"
    if question.confidence < MIN_CONFIDENCE:
        return f"only {question.confidence:.0%} sure that it asks"
    if not rule.answer:
        return "it names no answer"
    fitting = [option for option in question.options if _fits(rule.answer, option.label)]
    if len(fitting) != 1:
        return f"{len(fitting)} options fit {rule.answer!r}" if fitting else f"no option is {rule.answer!r}"
    if rule.cap:
        used = sum(each.rule == rule.name and (not rule.window or each.at > now - rule.window) for each in answered)
        if used >= rule.cap:
            within = f" within {rule.window:g} s" if rule.window else ""
            return f"its cap of {rule.cap}{within} is reached"
    return ""


def _matches(rule: Rule, question: Question) -> bool:
    """For allow: every part that the rule names is known and fits, and the command is one plain command."""
    if rule.command and (not question.command or _is_cut(question.command)):
        return False
    if rule.command and not rule.shell and _SHELL & set(question.command):
        return False
    return _may_match(rule, question) and not (rule.program and not question.program)


def _may_match(rule: Rule, question: Question) -> bool:
    """For deny and ask: no part that is known speaks against it. A command is also searched for inside."""
    return (
        (rule.kind is None or rule.kind is question.kind)
        and _fits(rule.node, question.node)
        and (not rule.tag or any(_fits(rule.tag, tag) for tag in question.tags))
        and (not question.program or _fits(rule.program, question.program))
        and (not question.command or _command_fits(rule, question.command))
    )


def _command_fits(rule: Rule, command: str) -> bool:
    if _fits(rule.command, command):
        return True
    if rule.action is Action.ALLOW:
        return False
    return fnmatchcase(command, f"*{rule.command}*")


def _fits(pattern: str, value: str) -> bool:
    return not pattern or fnmatchcase(value, pattern)


def _is_cut(command: str) -> bool:
    return command.rstrip().endswith(("…", "..."))
