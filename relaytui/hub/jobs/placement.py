"""Placement: which node runs a job, and for every other node why not.

Pure and stable: the same job and nodes give the same answer, and each refusal is a sentence an operator can act on.
Only live facts count. A declared tag that a probe contradicts is shown and not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relaytui.hub.jobs.requirement import Capabilities, Requirement, Truth, judge

HEALTHY_FACTS_AGE = 30.0
"""Seconds after which a node's last facts no longer prove that it is healthy."""

_SYSTEMS = frozenset({"linux", "darwin", "macos", "windows", "freebsd"})
_MACHINES = frozenset({"x86_64", "amd64", "aarch64", "arm64", "riscv64"})
_SAME_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}
_SAME_SYSTEM = {"macos": "darwin"}


@dataclass(frozen=True)
class NodeOffer:
    """A node as placement sees it. `facts_age` is in seconds, None when none ever came."""

    alias: str
    connected: bool
    facts_age: float | None
    tags: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = field(default_factory=dict)
    slots: int = 1
    running: int = 0
    exclusive_in_use: frozenset[str] = frozenset()
    state: str = ""  # the link's state in plain words, for the reason


@dataclass(frozen=True)
class Wish:
    """What a job asks of its node."""

    requirement: Requirement
    node: str = ""  # only there
    prefer: tuple[str, ...] = ()  # there if it can
    exclusive: frozenset[str] = frozenset()  # tags no other running job of the node may hold


@dataclass(frozen=True)
class NodeVerdict:
    """`reasons` is empty when the node can run the job now; `passing` says that they may go away by themselves."""

    alias: str
    reasons: tuple[str, ...] = ()
    passing: bool = False
    distrusted: tuple[str, ...] = ()  # declared tags that a probe contradicts


@dataclass(frozen=True)
class Placement:
    """`node` is None when the job must wait; `verdicts` has every node, in the order they were weighed.

    `fault` says why the job cannot be weighed at all.
    """

    node: str | None
    verdicts: tuple[NodeVerdict, ...]
    fault: str = ""


def place(wish: Wish, nodes: Sequence[NodeOffer]) -> Placement:
    """The node for a job: preferred ones first in the order given, then the least loaded, then by name."""
    ordered = sorted(nodes, key=lambda node: _rank(wish, node))
    verdicts = tuple(_weigh(wish, node) for node in ordered)
    chosen = next((verdict.alias for verdict in verdicts if not verdict.reasons), None)
    return Placement(chosen, verdicts)


def _rank(wish: Wish, node: NodeOffer) -> tuple[int, float, str]:
    preference = wish.prefer.index(node.alias) if node.alias in wish.prefer else len(wish.prefer)
    return preference, node.running / max(node.slots, 1), node.alias


def _weigh(wish: Wish, node: NodeOffer) -> NodeVerdict:
    if wish.node and node.alias != wish.node:
        return NodeVerdict(node.alias, (f"the job must run on {wish.node}",))
    trusted, distrusted = split_tags(node.tags, node.facts)
    lasting = list(_contradictions(distrusted, node.facts)) if distrusted else []
    judgement = judge(wish.requirement, Capabilities(trusted, node.facts))
    lacking = list(judgement.reasons) if judgement.truth is not Truth.YES else []
    passing = list(_passing_reasons(wish, node))
    if lacking:
        # Why a declared tag did not count belongs to the reason, else the owner cannot see what to mend.
        lacking += [reason for tag, reason in zip(sorted(distrusted), lasting, strict=True) if _names(lacking, tag)]
    return NodeVerdict(
        node.alias,
        tuple(passing + lacking),
        passing=bool(passing) and not lacking,
        distrusted=tuple(sorted(distrusted)),
    )


def _names(reasons: Iterable[str], tag: str) -> bool:
    word = re.compile(rf"(?<![\w-]){re.escape(tag)}(?![\w-])", re.IGNORECASE)
    return any(word.search(reason) for reason in reasons)


def _passing_reasons(wish: Wish, node: NodeOffer) -> Iterable[str]:
    """What stands in the way now and may be gone by itself."""
    if not node.connected:
        yield f"not connected{': ' + node.state if node.state else ''}"
    elif node.facts_age is None:
        yield "has not reported its facts yet"
    elif node.facts_age > HEALTHY_FACTS_AGE:
        yield f"last reported {node.facts_age:.0f} s ago (healthy is under {HEALTHY_FACTS_AGE:.0f} s)"
    if node.running >= node.slots:
        yield f"all {node.slots} slots are in use" if node.slots != 1 else "its one slot is in use"
    held = sorted(wish.exclusive & node.exclusive_in_use)
    if held:
        yield f"another job holds {', '.join(held)}"


def split_tags(tags: frozenset[str], facts: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Declared tags as (trusted, distrusted): a probe contradicts the latter."""
    distrusted = frozenset(tag for tag in tags if _contradiction(tag, facts))
    return tags - distrusted, distrusted


def _contradictions(tags: Iterable[str], facts: Mapping[str, Any]) -> Iterable[str]:
    for tag in sorted(tags):
        yield f"declared {tag}, but {_contradiction(tag, facts)}"


def _contradiction(tag: str, facts: Mapping[str, Any]) -> str:
    """What a probe found against a declared tag, or ""."""
    word = tag.lower()
    gpus = facts.get("gpus")
    if gpus is not None and (word == "gpu" or re.fullmatch(r"(cuda|rocm)[\d.-]*", word)) and not gpus:
        return "no GPU was found"
    system = str(facts.get("os", "")).lower()
    if system and word in _SYSTEMS and _SAME_SYSTEM.get(word, word) != _SAME_SYSTEM.get(system, system):
        return f"it runs {system}"
    machine = str(facts.get("arch", "")).lower()
    if machine and word in _MACHINES and _SAME_MACHINE.get(word, word) != _SAME_MACHINE.get(machine, machine):
        return f"it is {machine}"
    return ""
