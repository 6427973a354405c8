"""Why a session's attention is what it is, and a program's own word on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Tuple, Type

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


@dataclass(frozen=True)
class SignalSession(Request):
    """A program's own word on its state, from inside a session or, with no session, from outside any."""

    op: ClassVar[str] = "session.signal"
    state: str  # "asking", "working", "idle", "done"
    session: Optional[SessionId] = None
    text: str = ""
    source: str = ""
    pid: int = 0  # of the program that says so from outside any session, where known: its ask ends with it
    started: int = 0  # that program, in clock ticks since the machine's start
