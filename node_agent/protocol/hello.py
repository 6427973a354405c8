"""The first request on a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Tuple, Type

from node_agent.protocol.entities import AskInfo, NodeFacts, NodeInfo, SessionInfo
from node_agent.protocol.message import Request


@dataclass(frozen=True)
class HelloReply:
    node: NodeInfo
    sessions: Tuple[SessionInfo, ...]
    last_event: int
    facts: NodeFacts = field(default_factory=NodeFacts)
    asks: Tuple[AskInfo, ...] = ()  # open asks of no session; the others stand in their sessions


@dataclass(frozen=True)
class Hello(Request):
    """The first request on a connection. The sessions in the reply are what NOTICE frames then update."""

    op: ClassVar[str] = "hello"
    reply: ClassVar[Type[Any]] = HelloReply
    client: str  # "console", "cli", "hub"
    operator: str  # who acts; recorded with every input
    version: str
    watch: bool = True  # send NOTICE frames on this connection
