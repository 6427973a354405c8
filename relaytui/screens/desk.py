"""What the operator is looking at: the filter, the order, the session in focus. No widget, no link.

The focus follows the session, not the place: when tiles move, it moves with its session; when the session goes, it
passes to the one that takes its place.
"""

from __future__ import annotations

from node_agent.protocol.entities import AskInfo
from node_agent.protocol.states import Attention, SessionState
from relaytui.actions.action import Situation
from relaytui.fleet.filters import Predicate, compile_filter
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.model import Fleet
from relaytui.fleet.ordering import MODES, TileOrder
from relaytui.fleet.status import NodeState
from relaytui.fleet.views import AskView, SessionView

FRESH = 5.0
"""Seconds for which an ask counts as just opened: an older one is no news when the console starts."""

_ENDED = (SessionState.EXITED, SessionState.CLOSED, SessionState.LOST)


class Desk:
    """The operator's view of a fleet."""

    def __init__(self, fleet: Fleet, order: str = "node") -> None:
        self.fleet = fleet
        self.order = TileOrder(order)
        self.filter = ""
        self.keys: list[SessionKey] = []
        """Sessions that pass the filter, in their order, as last arranged."""
        self.focus: SessionKey | None = None
        self._passes: Predicate = compile_filter("")

    def set_filter(self, text: str) -> None:
        """Show only sessions that pass `text`; raises FilterError and changes nothing where it is none."""
        self._passes = compile_filter(text)
        self.filter = text.strip()

    def next_order(self) -> str:
        """Go to the next way of ordering and return its name."""
        mode = MODES[(MODES.index(self.order.mode) + 1) % len(MODES)]
        self.order.set_mode(mode)
        return mode

    def arrange(self, now: float) -> list[SessionKey]:
        """Filter and order the sessions as they are now, and keep the focus on one of them."""
        place = self.place
        shown = [view for view in self.fleet.sessions.values() if self._passes(view)]
        self.keys = self.order.arrange(shown, list(self.fleet.nodes), now)
        if self.focus not in self.keys:
            self.focus = self.keys[min(max(place, 0), len(self.keys) - 1)] if self.keys else None
        return self.keys

    @property
    def place(self) -> int:
        """Where the session in focus stands, -1 where there is none."""
        return self.keys.index(self.focus) if self.focus in self.keys else -1

    @property
    def session(self) -> SessionView | None:
        """The session in focus."""
        return None if self.focus is None else self.fleet.sessions.get(self.focus)

    def move(self, by: int) -> bool:
        """Move the focus by a number of places, staying where there is none; whether it moved."""
        place = self.place + by
        if not 0 <= place < len(self.keys):
            return False
        self.focus = self.keys[place]
        return True

    def move_round(self, by: int) -> None:
        """Move the focus, from the last session on to the first."""
        if self.keys:
            self.focus = self.keys[(self.place + by) % len(self.keys)]

    def asking(self, now: float) -> list[AskView]:
        """Open asks of sessions that can be answered now, longest waiting first, quiet ones last."""
        found = [
            ask
            for ask in self.fleet.inbox(now)
            if ask.key is not None and not ask.ask.snoozed and not self.fleet.is_stale(ask.key)
        ]
        return sorted(found, key=lambda ask: ask.ask.quiet)

    def inbox(self, now: float) -> list[AskView]:
        """All open asks, longest waiting first; those put aside come after those that wait for somebody."""
        return sorted(self.fleet.inbox(now), key=lambda view: is_put_aside(view.ask))

    def ask_of(self, key: SessionKey) -> AskView | None:
        """What a session asks."""
        view = self.fleet.sessions.get(key)
        if view is None or view.info.ask is None:
            return None
        return AskView(key.node, key, view.info.ask, view.seen)

    def live_nodes(self) -> list[str]:
        """Nodes that can be asked for something, each once."""
        return [alias for alias, node in self.fleet.nodes.items() if node.status.is_live and not node.duplicate_of]

    def next_asking(self, now: float, by: int = 1, *, after: SessionKey | None = None) -> SessionKey | None:
        """The asking session to go to: the one waiting longest, or from an asking one the next in line.

        `after` is where the operator is, the session in focus unless given.
        """
        at = after or self.focus
        waiting = [ask.key for ask in self.asking(now) if ask.key is not None]
        if not waiting:
            return None
        if at in waiting:
            return waiting[(waiting.index(at) + by) % len(waiting)]
        return waiting[0 if by > 0 else -1]

    def go_to(self, key: SessionKey, now: float) -> bool:
        """Put the focus on a session, dropping a filter that hides it; whether the filter was dropped."""
        view = self.fleet.sessions.get(key)
        if view is None:
            return False
        hidden = not self._passes(view)
        if hidden:
            self.set_filter("")
        self.focus = key
        self.arrange(now)
        return hidden

    def count_asking(self) -> int:
        """Sessions that ask, of all nodes; not those whose ask is put aside."""
        return sum(
            view.attention is Attention.ASKING and not (view.info.ask is not None and is_put_aside(view.info.ask))
            for view in self.fleet.sessions.values()
        )

    def count_lost(self) -> int:
        """Sessions of nodes that are silent."""
        silent = {
            alias
            for alias, node in self.fleet.nodes.items()
            if node.status.state in (NodeState.STALE, NodeState.LOST, NodeState.WAITING)
        }
        return sum(key.node in silent for key in self.fleet.sessions)

    def situation(self, key: SessionKey | None, ask: AskView | None = None) -> Situation:
        """What can be done now with a session, or an ask, is judged on this."""
        view = None if key is None else self.fleet.sessions.get(key)
        node = ask.node if ask is not None else "" if view is None else view.key.node
        unwell = (NodeState.STALE, NodeState.LOST, NodeState.WAITING)
        return Situation(
            session="" if view is None else str(view.key),
            node=node,
            is_running=view is not None and view.info.state not in _ENDED,
            is_asking=view is not None and view.info.ask is not None,
            has_ask=ask is not None,
            is_reachable=node in self.fleet.nodes and self.fleet.nodes[node].status.is_live,
            sessions=len(self.fleet.sessions),
            shown=len(self.keys),
            asking=self.count_asking(),
            troubles=sum(node.status.state in unwell for node in self.fleet.nodes.values()),
            filter=self.filter,
        )


def is_news(ask: AskInfo) -> bool:
    """Whether an ask that opened is told by toast and bell: it has just begun, and nobody put it aside."""
    return ask.age < FRESH and not is_put_aside(ask)


def is_put_aside(ask: AskInfo) -> bool:
    """Whether an ask waits for nobody just now: snoozed, muted, or what the session was started to show."""
    return ask.snoozed or ask.muted or ask.quiet
