"""From the fleet's picture to view models: the words, ages and sanitised strings that widgets draw.

The one place where a state becomes a symbol and a word.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable

from node_agent.protocol.entities import AskInfo, ExitInfo, SessionInfo
from node_agent.protocol.states import Attention, SessionState
from node_agent.terminal.sanitise import sanitise
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus, span
from relaytui.fleet.views import AskView, SessionView, asked_words
from relaytui.fleet.views import NodeView as FleetNode
from relaytui.screens.desk import Desk, is_put_aside
from relaytui.widgets.view import NodeView, RowView, Status, SummaryView, TileView

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
        title=session_title(info),
        status=status,
        word=word,
        age=span(session.attention_age(now)),
        badge=_badge(session, operator),
        is_faded=not link.is_live or info.state is SessionState.LOST,
        is_put_aside=info.ask is not None and is_put_aside(info.ask),
    )


def session_title(info: SessionInfo) -> str:
    """What a session is called: its title, else its command."""
    return sanitise(info.title or " ".join(info.command), _TITLE_LIMIT)


def ask_row(view: AskView, fleet: Fleet, now: float, operator: str = "") -> RowView:
    """An open ask as a line of the inbox."""
    session = None if view.key is None else fleet.sessions.get(view.key)
    is_stale = not fleet.nodes[view.node].status.is_live
    title = view.ask.program if session is None else session_title(session.info)
    return RowView(
        id=f"{view.node}/{view.ask.id}",
        status=Status.LOST if is_stale else Status.ASKING,
        word=f"{span(view.age(now)):>4}",
        name=sanitise(str(view.key or view.node), _TITLE_LIMIT),
        title=sanitise(title, _TITLE_LIMIT) + (" (stale)" if is_stale else ""),
        detail=sanitise(asked_words(view.ask), _LINE_LIMIT) or view.ask.kind.value,
        marks=", ".join(ask_marks(view.ask, session.info.job if session else "", operator)),
        is_faded=is_put_aside(view.ask),
    )


def ask_marks(ask: AskInfo, job: str = "", operator: str = "") -> list[str]:
    """Who handles an ask, why no channel tells of it, and the job it belongs to."""
    holder = sanitise(ask.claimed_by, _WORD_LIMIT).partition("@")[0]
    claim = "yours" if ask.claimed_by == operator else f"{holder} has it"
    marks = [
        f"job {sanitise(job, _WORD_LIMIT)}" if job else "",
        claim if ask.claimed_by else "",
        "seen" if ask.acked_by else "",
        "snoozed" if ask.snoozed else "",
        "muted" if ask.muted else "",
        ask.kind.value if ask.quiet else "",
    ]
    return [mark for mark in marks if mark]


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
    facts += ask_marks(info.ask, operator=operator) if info.ask is not None else ["muted"] * info.muted
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


def summary_view(desk: Desk, now: float, wall: time.struct_time) -> SummaryView:
    """The status line's figures."""
    return SummaryView(
        nodes=len(desk.fleet.nodes),
        sessions=len(desk.fleet.sessions),
        asking=desk.count_asking(),
        lost=desk.count_lost(),
        shown=len(desk.keys),
        filter=desk.filter,
        order=desk.order.mode,
        clock=f"{wall.tm_hour:02}:{wall.tm_min:02}",
        troubles=troubles(desk.fleet, now),
        suspended=suspended_words(desk.fleet),
    )


def suspended_words(fleet: Fleet) -> str:
    """What is said while automatic answers are suspended anywhere, "" while they are not."""
    nodes = [node for node in fleet.nodes.values() if not node.duplicate_of]
    count = sum(node.settings is not None and node.settings.policy_suspended for node in nodes)
    if not count:
        return ""
    return "rules suspended" if count == len(nodes) else f"rules suspended on {count} of {len(nodes)} nodes"


def troubles(fleet: Fleet, now: float) -> list[NodeView]:
    """Nodes without a link, those that need the operator first."""
    views: Iterable[NodeView] = (node_view(node, fleet, now) for node in fleet.nodes.values())
    unwell = [view for view in views if view.status in (Status.FAILED, Status.LOST)]
    return sorted(unwell, key=lambda view: view.status is not Status.FAILED)
