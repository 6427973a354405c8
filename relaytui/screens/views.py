"""From the fleet's picture to view models: the words, ages and sanitised strings that widgets draw.

The one place where a state becomes a symbol and a word.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable

from node_agent.protocol.entities import ExitInfo
from node_agent.protocol.states import Attention, SessionState
from node_agent.terminal.sanitise import sanitise
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus, span
from relaytui.fleet.views import NodeView as FleetNode
from relaytui.fleet.views import SessionView
from relaytui.widgets.view import NodeView, Status, TileView

_TITLE_LIMIT = 200
_WORD_LIMIT = 40
_LINE_LIMIT = 400

_STATUS = {
    Attention.WORKING: Status.WORKING,
    Attention.ASKING: Status.ASKING,
    Attention.IDLE: Status.IDLE,
    Attention.UNKNOWN: Status.UNKNOWN,
}


def tile_view(session: SessionView, fleet: Fleet, now: float, operator: str = "") -> TileView:
    """A session as its tile shows it at `now` (the console's monotonic seconds)."""
    info = session.info
    link = fleet.nodes[session.key.node].status
    status, word = session_word(session, link, now)
    return TileView(
        key=sanitise(str(session.key), _TITLE_LIMIT),
        title=sanitise(info.title or " ".join(info.command), _TITLE_LIMIT),
        status=status,
        word=word,
        age=span(session.attention_age(now)),
        badge=_badge(session, operator),
        is_faded=not link.is_live or info.state is SessionState.LOST,
    )


def session_word(session: SessionView, link: NodeStatus, now: float) -> tuple[Status, str]:
    """How a session stands, in one symbol and word. Where its node is silent, that is what is said."""
    info = session.info
    if info.state is SessionState.LOST:
        reason = sanitise(info.exit.reason, _WORD_LIMIT) if info.exit else ""
        return Status.LOST, f"lost: {reason}" if reason else "lost"
    if info.exit is not None or info.attention is Attention.EXITED:
        return _exit_word(info.exit)
    if link.state in (NodeState.STALE, NodeState.LOST):
        return Status.LOST, f"{link.state.value} {span(now - link.since)}"
    if not link.is_live:
        return Status.UNKNOWN, "not connected" if link.state is NodeState.OFF else link.state.value
    return _STATUS[info.attention], info.attention.value


def _exit_word(ended: ExitInfo | None) -> tuple[Status, str]:
    if ended is None:
        return Status.DONE, "ended"
    if ended.signal:
        try:
            name = signal.Signals(ended.signal).name.removeprefix("SIG")
        except ValueError:
            name = str(ended.signal)
        return Status.FAILED, f"killed {name}"
    if ended.code:
        return Status.FAILED, f"failed {ended.code}"
    return Status.DONE, "done"


def _badge(session: SessionView, operator: str) -> str:
    info = session.info
    facts = []
    if info.lease is not None and info.lease.holder != operator:
        facts.append(f"{sanitise(info.lease.holder, _WORD_LIMIT)} types")
    if info.catching_up:
        facts.append("catching up")
    if info.muted:
        facts.append("muted")
    if info.note:
        facts.append(sanitise(info.note, _WORD_LIMIT))
    return ", ".join(facts)


def node_view(node: FleetNode, fleet: Fleet, now: float) -> NodeView:
    """A node as the nodes panel and the status line show it."""
    status = node.status
    match status.state:
        case NodeState.CONNECTED:
            shown, word = Status.WORKING, "connected"
        case NodeState.CONNECTING:
            shown, word = Status.UNKNOWN, "connecting"
        case NodeState.OFF:
            shown, word = Status.IDLE, "off"
        case NodeState.WAITING:
            shown, word = Status.FAILED, "needs you"
        case NodeState.STALE | NodeState.LOST:
            shown, word = Status.LOST, f"{status.state.value} {span(now - status.since)}"
    return NodeView(
        name=sanitise(node.alias, _WORD_LIMIT),
        status=shown,
        word=word,
        detail=_node_detail(node, now),
        facts=_node_facts(node),
        sessions=len(fleet.sessions_of(node.alias)),
        tags=sanitise(" ".join(node.tags), _TITLE_LIMIT),
    )


def _node_detail(node: FleetNode, now: float) -> str:
    if node.duplicate_of:
        return f"the same node as {sanitise(node.duplicate_of, _WORD_LIMIT)}"
    status = node.status
    parts = [sanitise(status.error, _LINE_LIMIT)] if status.error else []
    if status.next_try is not None and not status.is_live:
        wait = max(0, round(status.next_try - now))
        parts.append(f"next try in {wait} s" if wait else "trying now")
    return "; ".join(parts) or sanitise(status.note, _LINE_LIMIT)


def _node_facts(node: FleetNode) -> str:
    parts = []
    if node.info is not None:
        parts.append(f"agent {sanitise(node.info.agent.version, _WORD_LIMIT)}")
    facts = node.facts.facts
    for name, form in (("os", "{}"), ("cores", "{} cores"), ("load", "load {}")):
        value = facts.get(name)
        if isinstance(value, (str, int, float)) and value != "":
            parts.append(form.format(sanitise(str(value), _WORD_LIMIT)))
    if node.status.rtt is not None and node.status.is_live:
        parts.append(f"rtt {node.status.rtt * 1000:.0f} ms")
    return "  ".join(parts)


def troubles(fleet: Fleet, now: float) -> list[NodeView]:
    """Nodes without a link, those that need the operator first."""
    views: Iterable[NodeView] = (node_view(node, fleet, now) for node in fleet.nodes.values())
    unwell = [view for view in views if view.status in (Status.FAILED, Status.LOST)]
    return sorted(unwell, key=lambda view: view.status is not Status.FAILED)
