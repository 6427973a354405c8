"""The requirement language: which nodes can run a job.

    gpu                    a tag the node's owner declared, or a fact that is true or not empty
    arch=x86_64            a fact equals a value; != too; case does not matter
    mem>=64G  gpus>=2      numbers with K M G T (powers of 1024); a list counts its items
    !windows               not; also `not`
    gpu, mem>=64G          and; also `and`
    a100 or h100           or; `and` binds tighter, parentheses group

A comparison with a fact that was not probed is unknown, and so is its negation: a job is placed only where its
requirement is known to hold.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, assert_never

from relaytui.fleet.facts import fact_words

FACT_ALIASES = {"mem": "memory", "ram": "memory", "cpus": "cores", "cpu": "cores", "gpu_count": "gpus"}
"""Names people write, and the fact the node agent sends."""


class RequirementError(ValueError):
    """A requirement cannot be read. `position` counts characters from 0."""

    def __init__(self, source: str, position: int, reason: str) -> None:
        super().__init__(f"requirement {source!r}, character {position + 1}: {reason}")
        self.position = position
        self.reason = reason


class Truth(enum.Enum):
    """Three-valued logic after Kleene: unknown stays unknown until another operand decides."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def negated(self) -> Truth:
        match self:
            case Truth.YES:
                return Truth.NO
            case Truth.NO:
                return Truth.YES
            case Truth.UNKNOWN:
                return Truth.UNKNOWN
            case _:
                assert_never(self)


@dataclass(frozen=True)
class Capabilities:
    """What a node can do: `tags` already without those a probe contradicts, `facts` as the agent sent them."""

    tags: frozenset[str]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Tag:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Comparison:
    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


@dataclass(frozen=True)
class Not:
    operand: Requirement

    def __str__(self) -> str:
        inner = f"({self.operand})" if isinstance(self.operand, AllOf | AnyOf) else str(self.operand)
        return f"!{inner}"


@dataclass(frozen=True)
class AllOf:
    """Every operand holds; none at all is a requirement any node satisfies."""

    operands: tuple[Requirement, ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.operands)


@dataclass(frozen=True)
class AnyOf:
    """At least one operand holds."""

    operands: tuple[Requirement, ...]

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, AllOf) else str(part) for part in self.operands)


Requirement = Tag | Comparison | Not | AllOf | AnyOf

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<operator>==|!=|>=|<=|=|<|>)
      | (?P<mark>[(),!&|])
      | "(?P<quoted>[^"]*)"
      | (?P<word>[\w.+/:@-]+)
    )""",
    re.VERBOSE,
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_MAX_LENGTH = 1000


@dataclass(frozen=True)
class _Token:
    kind: str  # "operator", "mark", "word", "quoted", "end"
    text: str
    position: int


def parse_requirement(source: str) -> Requirement:
    """Read a requirement; raises RequirementError with the position and the reason."""
    if len(source) > _MAX_LENGTH:
        raise RequirementError(source[:20] + "…", _MAX_LENGTH, f"longer than {_MAX_LENGTH} characters")
    return _Parser(source).parse()


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            rest = source[at:]
            if not rest.strip():
                break
            position = at + len(rest) - len(rest.lstrip())
            reason = "a quote is not closed" if source[position] == '"' else f"{source[position]!r} means nothing here"
            raise RequirementError(source, position, reason)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", len(source))


class _Parser:
    """Recursive descent over the tokens; a nesting limit keeps hostile input from exhausting the stack."""

    MAX_DEPTH = 50

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = list(_tokens(source))
        self._at = 0
        self._depth = 0

    def parse(self) -> Requirement:
        if self._peek().kind == "end":
            return AllOf()
        result = self._any()
        if self._peek().kind != "end":
            self._fail(f"expected 'and', 'or' or the end, not {self._peek().text!r}")
        return result

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _fail(self, reason: str) -> NoReturn:
        raise RequirementError(self._source, self._peek().position, reason)

    def _is(self, *texts: str) -> bool:
        token = self._peek()
        return token.kind in ("mark", "word") and token.text.lower() in texts

    def _any(self) -> Requirement:
        return self._joined(self._all, AnyOf, ("or", "|"))

    def _all(self) -> Requirement:
        return self._joined(self._not, AllOf, ("and", ",", "&"))

    def _joined(
        self,
        operand: Callable[[], Requirement],
        join: Callable[[tuple[Requirement, ...]], Requirement],
        words: tuple[str, ...],
    ) -> Requirement:
        operands = [operand()]
        while self._is(*words):
            self._take()
            operands.append(operand())
        return operands[0] if len(operands) == 1 else join(tuple(operands))

    def _not(self) -> Requirement:
        self._depth += 1
        if self._depth > self.MAX_DEPTH:
            self._fail("nested too deeply")
        if self._is("!", "not"):
            self._take()
            result: Requirement = Not(self._not())
        elif self._is("("):
            self._take()
            result = self._any()
            if not self._is(")"):
                self._fail("a parenthesis is not closed")
            self._take()
        else:
            result = self._atom()
        self._depth -= 1
        return result

    def _atom(self) -> Requirement:
        if self._peek().kind != "word" or self._is("and", "or"):
            found = self._peek().text
            self._fail(f"expected a tag or a fact, not {found!r}" if found else "expected a tag or a fact")
        name = self._take().text
        if self._peek().kind != "operator":
            return Tag(name)
        operator = self._take().text
        if self._peek().kind not in ("word", "quoted"):
            self._fail(f"expected a value after {name}{operator}")
        if operator in ("<", ">", "<=", ">=") and _number(self._peek().text) is None:
            self._fail(f"{operator} compares numbers, and {self._peek().text!r} is none")
        return Comparison(name, "=" if operator == "==" else operator, self._take().text)


@dataclass(frozen=True)
class Judgement:
    """Whether a requirement holds, and in words each part that keeps it from holding."""

    truth: Truth
    reasons: tuple[str, ...] = ()


def judge(requirement: Requirement, node: Capabilities) -> Judgement:
    """Hold a requirement against what a node can do."""
    match requirement:
        case Tag(name):
            held = _has(name, node)
            return Judgement(Truth.YES) if held else Judgement(Truth.NO, (f"needs {name}",))
        case Comparison():
            return _compare(requirement, node)
        case Not(operand):
            truth = judge(operand, node).truth.negated()
            if truth is Truth.YES:
                return Judgement(truth)
            reason = f"must not be {operand}" if truth is Truth.NO else f"{operand} is not known here"
            return Judgement(truth, (reason,))
        case AllOf(operands):
            parts = [judge(part, node) for part in operands]
            failed = tuple(reason for part in parts if part.truth is not Truth.YES for reason in part.reasons)
            truths = {part.truth for part in parts}
            return Judgement(_first(truths, Truth.NO, Truth.UNKNOWN, Truth.YES), failed)
        case AnyOf(operands):
            parts = [judge(part, node) for part in operands]
            truth = _first({part.truth for part in parts}, Truth.YES, Truth.UNKNOWN, Truth.NO)
            if truth is Truth.YES:
                return Judgement(truth)
            return Judgement(truth, (" or ".join("; ".join(part.reasons) for part in parts),))
        case _:
            assert_never(requirement)


def _first(truths: set[Truth], *order: Truth) -> Truth:
    return next((truth for truth in order if truth in truths), Truth.YES)


def _has(name: str, node: Capabilities) -> bool:
    return name.lower() in {tag.lower() for tag in node.tags} | fact_words(node.facts)


def _compare(comparison: Comparison, node: Capabilities) -> Judgement:
    key = FACT_ALIASES.get(comparison.name.lower(), comparison.name.lower())
    actual = node.facts.get(key)
    if actual is None:
        return Judgement(Truth.UNKNOWN, (f"needs {comparison}, {comparison.name} is not known here",))
    holds = _holds(actual, comparison.operator, comparison.value)
    if holds is None:
        return Judgement(Truth.UNKNOWN, (f"needs {comparison}, has {_shown(actual)}, which is no number",))
    if holds:
        return Judgement(Truth.YES)
    return Judgement(Truth.NO, (f"needs {comparison}, has {_shown(actual, comparison.value)}",))


def _holds(actual: Any, operator: str, wanted: str) -> bool | None:
    number = _number(wanted)
    if operator in ("=", "!="):
        equal = _equals(actual, wanted, number)
        return equal if operator == "=" else not equal
    value = _number(actual)
    if value is None or number is None:
        return None
    match operator:
        case ">=":
            return value >= number
        case "<=":
            return value <= number
        case ">":
            return value > number
        case _:
            return value < number


def _equals(actual: Any, wanted: str, number: float | None) -> bool:
    if isinstance(actual, bool):
        return str(actual).lower() == wanted.lower()
    if isinstance(actual, list | tuple):
        return wanted.lower() in {str(item).lower() for item in actual} or (
            number is not None and len(actual) == number
        )
    if isinstance(actual, int | float):
        return number is not None and actual == number
    return str(actual).lower() == wanted.lower()


def _number(value: Any) -> float | None:
    """A number, a list's length, or a size such as `64G`; None for anything else."""
    if isinstance(value, list | tuple):
        return float(len(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    return float(match[1]) * 1024.0 ** _POWERS[match[2].lower()]


def _shown(actual: Any, wanted: str = "") -> str:
    """A fact as the operator would write it: in the unit of the value it is compared with."""
    if isinstance(actual, list | tuple):
        return ", ".join(map(str, actual)) or "none"
    unit = _SIZE.fullmatch(wanted)
    if isinstance(actual, int | float) and not isinstance(actual, bool) and unit and unit[2]:
        size = actual / 1024.0 ** _POWERS[unit[2].lower()]
        return f"{size:.3g}{unit[2]}"
    return str(actual)
