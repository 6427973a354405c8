"""Builds what nodes say, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from node_agent.protocol.entities import AskInfo, NodeInfo, ProcessInfo, SessionInfo
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.ids import AskId, NodeUuid, SessionId, StoreId
from node_agent.protocol.states import AskKind, Attention, SessionState
from relaytui.fleet.changes import HelloReceived, StatusReported
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus


def key(text: str) -> SessionKey:
    node, _, name = text.partition("/")
    return SessionKey(node, SessionId(name))


def ask(name: str = "k1", age: float = 4.0, **fields: Any) -> AskInfo:
    values: dict[str, Any] = {"id": AskId(name), "kind": AskKind.CONFIRM, "excerpt": "Proceed?", "age": age}
    return AskInfo(**(values | fields))


def session(name: str = "a1", **fields: Any) -> SessionInfo:
    values: dict[str, Any] = {
        "id": SessionId(name),
        "title": f"title {name}",
        "command": ("make", "-j8"),
        "cwd": "/src",
        "columns": 80,
        "rows": 24,
        "started": 1e9,
        "age": 100.0,
        "state": SessionState.RUNNING,
        "attention": Attention.WORKING,
        "attention_age": 5.0,
    }
    return SessionInfo(**(values | fields))


def hello(*sessions: SessionInfo, uuid: str = "u1", asks: tuple[AskInfo, ...] = ()) -> HelloReply:
    process = ProcessInfo(1, "0")
    node = NodeInfo(NodeUuid(uuid), StoreId("s"), 1, process, process, "host", "user")
    return HelloReply(node, sessions, 0, asks=asks)


def fleet(now: float = 100.0, **nodes: HelloReply) -> Fleet:
    """A fleet whose nodes are connected and have said these hellos."""
    made = Fleet(now)
    for alias, reply in nodes.items():
        made.add_node(alias)
        made.apply(HelloReceived(alias, reply), now)
        made.apply(StatusReported(alias, NodeStatus(NodeState.CONNECTED, now)), now)
    return made
