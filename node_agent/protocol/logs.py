"""A session's output as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Tuple, Type

from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request


@dataclass(frozen=True)
class LogLines:
    """`spans` has one list of wire spans a line (see terminal/rows.py) when colour was asked for, else it is empty."""

    lines: Tuple[str, ...]
    spans: Tuple[Any, ...] = ()
    offset: int = 0  # journal offset the lines stand for
    alternate: bool = False
    catching_up: bool = False


@dataclass(frozen=True)
class ReadLogs(Request):
    """History and screen as lines, soft wraps joined; on the alternate screen its last screen."""

    op: ClassVar[str] = "session.logs"
    reply: ClassVar[Type[Any]] = LogLines
    session: SessionId
    tail: Optional[int] = None
    color: bool = False
