"""Requests about the hooks by which coding agents report their state: shown as a diff first, then applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Type

from node_agent.protocol.message import Request


@dataclass(frozen=True)
class HookPlan:
    """What installing or removing a program's hooks would change in its configuration on the node.

    `digest` stands for the file as it is now, so that only what was shown is applied.
    """

    program: str
    path: str
    diff: str  # unified; "" when there is nothing to change
    digest: str
    is_installed: bool  # some of our hooks stand in the file now
    note: str = ""  # what the program wants of its user besides


@dataclass(frozen=True)
class PlanHooks(Request):
    op: ClassVar[str] = "hooks.plan"
    reply: ClassVar[Type[Any]] = HookPlan
    program: str  # "claude", "codex", "gemini", "opencode"
    remove: bool = False


@dataclass(frozen=True)
class HooksApplied:
    path: str
    backup: str = ""  # the file as it was before; "" where there was none


@dataclass(frozen=True)
class ApplyHooks(Request):
    """Carry out a plan; refused with `stale_version` when the file is no longer the one it was made for."""

    op: ClassVar[str] = "hooks.apply"
    reply: ClassVar[Type[Any]] = HooksApplied
    program: str
    digest: str
    remove: bool = False
