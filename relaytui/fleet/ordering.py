"""In which order sessions stand. Nothing moves under the operator's fingers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node_agent.protocol.states import Attention
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.views import SessionView

CALM = 2.0
"""Seconds after a key press during which tiles keep their places."""

MODES = ("node", "attention", "started")

_RANK = {
    Attention.ASKING: 0,
    Attention.WORKING: 1,
    Attention.UNKNOWN: 2,
    Attention.IDLE: 3,
    Attention.EXITED: 4,
}


def ordered(sessions: Iterable[SessionView], mode: str, nodes: Sequence[str], now: float) -> list[SessionKey]:
    """The sessions' keys by `mode`: by node and start, by who needs a human longest, or newest first."""
    places = {alias: place for place, alias in enumerate(nodes)}

    def by_node(view: SessionView) -> tuple[int, int]:
        return places.get(view.key.node, len(places)), view.info.order

    def by_attention(view: SessionView) -> tuple[int, float, tuple[int, int]]:
        is_asking = view.attention is Attention.ASKING
        return _RANK[view.attention], -view.attention_age(now) if is_asking else 0.0, by_node(view)

    def by_start(view: SessionView) -> tuple[float, tuple[int, int]]:
        return view.age(now), by_node(view)

    if mode == "attention":
        return [view.key for view in sorted(sessions, key=by_attention)]
    if mode == "started":
        return [view.key for view in sorted(sessions, key=by_start)]
    return [view.key for view in sorted(sessions, key=by_node)]


class TileOrder:
    """Remembers where tiles stand, so that they keep their places for a moment after each key press."""

    def __init__(self, mode: str = "node") -> None:
        self.mode = mode
        self._places: list[SessionKey] = []
        self._calm_until = float("-inf")

    def key_pressed(self, now: float) -> None:
        """The operator is typing: nothing may move until `CALM` seconds have passed."""
        self._calm_until = now + CALM

    def set_mode(self, mode: str) -> None:
        """Order differently, at once: this was asked for."""
        self.mode = mode
        self._calm_until = float("-inf")

    def arrange(self, sessions: Iterable[SessionView], nodes: Sequence[str], now: float) -> list[SessionKey]:
        """The order to show; within a calm, those gone leave and new ones come last."""
        wanted = ordered(sessions, self.mode, nodes, now)
        if now < self._calm_until:
            known = set(self._places)
            still_there = set(wanted)
            wanted = [key for key in self._places if key in still_there] + [key for key in wanted if key not in known]
        self._places = wanted
        return list(wanted)
