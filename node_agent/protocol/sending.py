"""Requests that type into a session, and about who may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Tuple, Type

from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request


@dataclass(frozen=True)
class Chunk:
    """One piece of input: exactly one of the fields is set."""

    text: Optional[str] = None  # pasted: bracketed where the program asked for it
    key: Optional[str] = None  # a key name, encoded for the modes of that moment
    data: Optional[str] = None  # bytes as hex


@dataclass(frozen=True)
class Sent:
    head: int  # journal offset when the last chunk was written
    bytes: int


@dataclass(frozen=True)
class SendInput(Request):
    """Type into a session without attaching. `request` makes a retry harmless."""

    op: ClassVar[str] = "session.send"
    reply: ClassVar[Type[Any]] = Sent
    session: SessionId
    request: str
    chunks: Tuple[Chunk, ...]
    steal: bool = False
    expect_head: Optional[int] = None


@dataclass(frozen=True)
class TakeLease(Request):
    op: ClassVar[str] = "lease.take"
    session: SessionId
    steal: bool = False


@dataclass(frozen=True)
class ReleaseLease(Request):
    op: ClassVar[str] = "lease.release"
    session: SessionId
