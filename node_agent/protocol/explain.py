"""Why a session's attention is what it is: the evidence, and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Tuple, Type

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request


@dataclass(frozen=True)
class Evidence:
    source: str  # "read(tty)", "termios", "screen", "report", "exit" ...
    text: str
    age: float


@dataclass(frozen=True)
class Explanation:
    session: SessionInfo
    evidence: Tuple[Evidence, ...]
    rule: str = ""
    note: str = ""


@dataclass(frozen=True)
class ExplainSession(Request):
    """Why a session's attention is what it is."""

    op: ClassVar[str] = "session.explain"
    reply: ClassVar[Type[Any]] = Explanation
    session: SessionId
