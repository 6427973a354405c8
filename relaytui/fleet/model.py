"""The fleet: one picture of all nodes, sessions and asks, built from what links report.

Sans-IO: inputs go in with the time they came, changes come out. It owns what is known and how sure that is; it must not
know how a node is reached or how anything is drawn.

A node's hello replaces all that was known of its sessions, notices then change them one at a time; what a node said
stays when its link is cut, since stale knowledge marked as such beats none. Two aliases that reach the same node (one
UUID) would show each session twice: the alias that connected first is shown, the other is marked as its duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from node_agent.protocol.entities import AskInfo, NodeFacts, SessionInfo
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.notices import (
    AlertChanged,
    AskChanged,
    AskGone,
    ClipboardWrite,
    FactsChanged,
    Notice,
    Rang,
    SettingsChanged,
)
from node_agent.protocol.notices import SessionChanged as SessionChangedNotice
from node_agent.protocol.notices import SessionGone as SessionGoneNotice
from node_agent.terminal.delta import Delta, ScreenModel, apply_delta, changed_rows
from relaytui.fleet.changes import (
    AlertReported,
    AskClosed,
    AskOpened,
    CacheLoaded,
    Change,
    ClipboardOffered,
    DeltaReceived,
    EventReceived,
    EventRecorded,
    FleetInput,
    HelloReceived,
    NodeChanged,
    NoticeReceived,
    ScreenChanged,
    SessionChanged,
    SessionGone,
    SessionRang,
    StatusReported,
    Warned,
)
from relaytui.fleet.facts import fact_words, placement_facts
from relaytui.fleet.keys import SessionKey, resolve_id
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.fleet.views import AskView, NodeView, SessionView


class Fleet:
    """All nodes as they are known now."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._nodes: dict[str, NodeView] = {}
        self._sessions: dict[SessionKey, SessionView] = {}
        self._loose_asks: dict[tuple[str, AskId], AskView] = {}
        self._screens: dict[SessionKey, ScreenModel] = {}

    # What is known ---------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> Mapping[str, NodeView]:
        """All nodes by alias, in the order they were added."""
        return MappingProxyType(self._nodes)

    @property
    def sessions(self) -> Mapping[SessionKey, SessionView]:
        """All sessions, those of stale and lost nodes included."""
        return MappingProxyType(self._sessions)

    def sessions_of(self, alias: str) -> list[SessionView]:
        """A node's sessions in the order it started them."""
        views = [view for key, view in self._sessions.items() if key.node == alias]
        return sorted(views, key=lambda view: view.info.order)

    def loose_asks_of(self, alias: str) -> list[AskView]:
        """A node's open asks of no session."""
        return [view for view in self._loose_asks.values() if view.node == alias]

    def screen(self, key: SessionKey) -> ScreenModel | None:
        """The last screen seen of a session, None where none was."""
        return self._screens.get(key)

    def is_stale(self, key: SessionKey) -> bool:
        """Whether what is shown of a session may be old."""
        return not self._nodes[key.node].status.is_live

    def hidden_behind(self, alias: str) -> list[str]:
        """Aliases that turned out to be the same node as `alias`."""
        return [node.alias for node in self._nodes.values() if node.duplicate_of == alias]

    def inbox(self, now: float) -> list[AskView]:
        """All open asks, longest waiting first by their nodes' own ages."""
        return sorted(self._asks(), key=lambda view: (-view.age(now), view.node, view.ask.id))

    def resolve(self, word: str | None) -> SessionKey:
        """The session an operator means; raises UnknownId or AmbiguousId."""
        return resolve_id(word, ((key, view.info.title) for key, view in self._sessions.items()))

    def _asks(self) -> Iterator[AskView]:
        yield from self._loose_asks.values()
        for key, view in self._sessions.items():
            if view.info.ask is not None:
                yield AskView(key.node, key, view.info.ask, view.seen)

    # What changes it -------------------------------------------------------------------------------------------------

    def add_node(self, alias: str, tags: tuple[str, ...] = ()) -> None:
        """Know a node of the config; its status is `off` until a link reports."""
        self._nodes[alias] = NodeView(alias, NodeStatus(NodeState.OFF, self._now), tags)

    def remove_node(self, alias: str) -> list[Change]:
        """Forget a node and its sessions; an alias hidden behind it is shown from its next hello on."""
        changes = [*self._forget_sessions(alias, keep=()), *self._forget_loose(alias, keep=())]
        del self._nodes[alias]
        for twin in self.hidden_behind(alias):
            self._nodes[twin] = replace(self._nodes[twin], duplicate_of="")
        return [*changes, NodeChanged(alias)]

    def apply(self, item: FleetInput, now: float) -> list[Change]:
        """Take in one report that came at `now` (monotonic seconds); tell what it changed.

        Raises ValueError for a screen delta that does not fit: a node's fault.
        """
        self._now = now
        match item:
            case StatusReported(alias, status):
                self._nodes[alias] = replace(self._nodes[alias], status=status)
                return [NodeChanged(alias)]
            case HelloReceived(alias, reply):
                return self._on_hello(alias, reply)
            case CacheLoaded(alias, reply):
                return self._take_over(alias, reply)
            case NoticeReceived(alias, notice):
                return [] if self._nodes[alias].duplicate_of else self._on_notice(alias, notice)
            case EventReceived(alias, record):
                return [] if self._nodes[alias].duplicate_of else [EventRecorded(alias, record)]
            case DeltaReceived(key, delta):
                return self._on_delta(key, delta)
            case _:
                assert_never(item)

    def restore_screen(self, key: SessionKey, screen: ScreenModel) -> None:
        """Show a screen kept from an earlier run until a newer one comes."""
        if key in self._sessions:
            self._screens[key] = screen

    # How -------------------------------------------------------------------------------------------------------------

    def _on_hello(self, alias: str, reply: HelloReply) -> list[Change]:
        twin = self._twin_of(alias, reply)
        if twin is None:
            return self._take_over(alias, reply)
        if twin.status.is_live:
            self._nodes[alias] = replace(self._nodes[alias], info=reply.node)
            return self._hide(alias, behind=twin.alias)
        return [*self._hide(twin.alias, behind=alias), *self._take_over(alias, reply)]

    def _twin_of(self, alias: str, reply: HelloReply) -> NodeView | None:
        for other in self._nodes.values():
            is_same = other.info is not None and other.info.uuid == reply.node.uuid
            if is_same and other.alias != alias and not other.duplicate_of:
                return other
        return None

    def _hide(self, alias: str, behind: str) -> list[Change]:
        gone = [*self._forget_sessions(alias, keep=()), *self._forget_loose(alias, keep=())]
        self._nodes[alias] = replace(self._nodes[alias], duplicate_of=behind)
        text = f"{alias} and {behind} are the same node; shown as {behind}; remove one with `relaytui node rm`"
        return [*gone, NodeChanged(alias), Warned(alias, text)]

    def _take_over(self, alias: str, reply: HelloReply) -> list[Change]:
        before = self._nodes[alias]
        is_same_store = before.info is not None and before.info.store == reply.node.store
        self._nodes[alias] = replace(
            before,
            info=reply.node,
            facts=reply.facts,
            facts_seen=self._now,
            words=fact_words(placement_facts(reply.facts.facts)),
            settings=before.settings if is_same_store else None,
            duplicate_of="",
        )
        changes: list[Change] = [NodeChanged(alias)]
        changes += self._forget_sessions(alias, keep=[info.id for info in reply.sessions])
        for info in reply.sessions:
            changes += self._put_session(alias, info)
        changes += self._forget_loose(alias, keep=[ask.id for ask in reply.asks])
        for ask in reply.asks:
            changes += self._put_loose(alias, ask)
        return changes

    def _on_notice(self, alias: str, notice: Notice) -> list[Change]:
        match notice:
            case SessionChangedNotice(info):
                return self._put_session(alias, info)
            case SessionGoneNotice(session):
                return self._drop_session(SessionKey(alias, session))
            case AskChanged(ask):
                return self._put_loose(alias, ask)
            case AskGone(ask_id):
                view = self._loose_asks.get((alias, ask_id))
                return self._close_loose(view) if view else []
            case FactsChanged(facts):
                return self._put_facts(alias, facts)
            case Rang(session, title, body):
                return self._of_session(alias, session, SessionRang(SessionKey(alias, session), title, body))
            case ClipboardWrite(session, data):
                return self._of_session(alias, session, ClipboardOffered(SessionKey(alias, session), data))
            case AlertChanged(alert):
                return [AlertReported(alias, alert)]
            case SettingsChanged(settings):
                known = self._nodes[alias].settings
                if known is not None and known.version > settings.version:
                    return []
                self._nodes[alias] = replace(self._nodes[alias], settings=settings)
                return [NodeChanged(alias)]
            case _:
                return []

    def _put_facts(self, alias: str, facts: NodeFacts) -> list[Change]:
        before, words = self._nodes[alias], fact_words(placement_facts(facts.facts))
        self._nodes[alias] = replace(before, facts=facts, facts_seen=self._now, words=words)
        changed = [] if words == before.words else self.sessions_of(alias)
        self._sessions.update((view.key, replace(view, node_words=words)) for view in changed)
        return [NodeChanged(alias), *(SessionChanged(view.key) for view in changed)]

    def _on_delta(self, key: SessionKey, delta: Delta) -> list[Change]:
        if key not in self._sessions:
            return []
        before = self._screens.get(key, ScreenModel())
        after = self._screens[key] = apply_delta(before, delta)
        rows = set(changed_rows(before, after))
        if before.cursor != after.cursor:
            rows |= {line for line in (before.cursor[0], after.cursor[0]) if line < len(after.rows)}
        return [ScreenChanged(key, tuple(sorted(rows)))]

    def _of_session(self, alias: str, session: SessionId, change: Change) -> list[Change]:
        return [change] if SessionKey(alias, session) in self._sessions else []

    def _put_session(self, alias: str, info: SessionInfo) -> list[Change]:
        key = SessionKey(alias, info.id)
        old = self._sessions.get(key)
        node = self._nodes[alias]
        self._sessions[key] = SessionView(key, info, self._now, node.tags, node.words)
        return [
            SessionChanged(key, is_new=old is None),
            *self._ask_changes(key, old.info.ask if old else None, info.ask),
        ]

    def _ask_changes(self, key: SessionKey, old: AskInfo | None, new: AskInfo | None) -> list[Change]:
        if (old and old.id) == (new and new.id):
            return []
        changes: list[Change] = [AskClosed(key.node, key, old)] if old else []
        if new:
            changes.append(AskOpened(AskView(key.node, key, new, self._now)))
        return changes

    def _drop_session(self, key: SessionKey) -> list[Change]:
        old = self._sessions.pop(key, None)
        self._screens.pop(key, None)
        if old is None:
            return []
        return [*self._ask_changes(key, old.info.ask, None), SessionGone(key)]

    def _forget_sessions(self, alias: str, keep: Iterable[SessionId]) -> list[Change]:
        kept = set(keep)
        gone = [key for key in self._sessions if key.node == alias and key.id not in kept]
        return [change for key in gone for change in self._drop_session(key)]

    def _forget_loose(self, alias: str, keep: Iterable[AskId]) -> list[Change]:
        kept = set(keep)
        gone = [view for view in self.loose_asks_of(alias) if view.ask.id not in kept]
        return [change for view in gone for change in self._close_loose(view)]

    def _put_loose(self, alias: str, ask: AskInfo) -> list[Change]:
        is_new = (alias, ask.id) not in self._loose_asks
        view = AskView(alias, None, ask, self._now)
        self._loose_asks[alias, ask.id] = view
        return [AskOpened(view)] if is_new else [NodeChanged(alias)]

    def _close_loose(self, view: AskView) -> list[Change]:
        del self._loose_asks[view.node, view.ask.id]
        return [AskClosed(view.node, None, view.ask)]
