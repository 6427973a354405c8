"""Tells peers what has become of sessions: late rather than often, and never more than they read.

Nothing is queued. Each peer has the set of journals that have grown and the list of facts it has not heard of; when it
has taken everything it was sent, it is told what is so at that moment.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional

from node_agent.keeper.loop import Loop
from node_agent.keeper.peer import Peer

PACE = 0.002
"""Seconds between two notices of grown journals to one peer: a flood costs five hundred a second."""

BURST = 4.0
"""Notices that go at once after a quiet time: what a key brings about often comes in several writes."""

Describe = Callable[[str, str], Optional[Dict[str, Any]]]
"""(notice, session) → what the notice says at this moment, None when it has nothing to say any more."""


class News:
    """`peers` are the keeper's own; `head` gives a session's journal head, None when it is forgotten."""

    def __init__(
        self, loop: Loop, peers: Mapping[int, Peer], describe: Describe, head: Callable[[str], Optional[int]]
    ) -> None:
        self._loop = loop
        self._peers = peers
        self._describe = describe
        self._head = head
        self._has_news = True
        self._is_pacing = False

    def journal_grew(self, session: str, *, is_echo: bool = False) -> None:
        """The journal of `session` has grown; an echo is told of however much is told of floods."""
        for peer in self._peers.values():
            peer.grown.add(session)
            if is_echo:
                peer.credit = max(peer.credit, 1.0)
        self._has_news = True

    def tell_all(self, name: str, session: str = "") -> None:
        for peer in self._peers.values():
            self.tell(peer, name, session)

    def tell(self, peer: Peer, name: str, session: str = "") -> None:
        """Have `peer` hear of a fact; one it has not heard of yet moves behind the others."""
        peer.facts.pop((name, session), None)
        peer.facts[(name, session)] = None
        self._has_news = True

    def spread(self) -> None:
        """Tell every peer that can be told; called after each round of the loop."""
        if not self._has_news:
            return
        self._has_news = False
        now = self._loop.now()
        for peer in list(self._peers.values()):
            if not peer.has_news or peer.epoch is None:
                continue
            if not peer.is_idle:
                self._has_news = True  # a round follows when it has read
            elif not peer.facts and self._credit(peer, now) < 1.0:
                self._has_news = True
                self._call_soon()
            else:
                self._tell_now(peer, now)

    def _credit(self, peer: Peer, now: float) -> float:
        """How many notices of grown journals `peer` may be sent now."""
        return min(BURST, peer.credit + (now - peer.told_heads) / PACE)

    def _tell_now(self, peer: Peer, now: float) -> None:
        heads = {session: self._head(session) for session in peer.grown}
        peer.grown.clear()
        if heads:
            peer.credit = max(0.0, self._credit(peer, now) - 1.0)
            peer.told_heads = now
            known = {session: head for session, head in heads.items() if head is not None}
            peer.send({"notice": "heads", "heads": known})
        facts, peer.facts = list(peer.facts), {}
        for name, session in facts:
            fields = self._describe(name, session)
            if fields is not None:
                peer.send({"notice": name, **fields})

    def _call_soon(self) -> None:
        if not self._is_pacing:
            self._is_pacing = True
            self._loop.call_after(PACE, self._pause_is_over)

    def _pause_is_over(self) -> None:
        self._is_pacing = False  # and the round of this call spreads the news
