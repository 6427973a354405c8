"""Keeps the journals of a node within its quota and above the free-space floor, and lets old sessions expire.

What goes first is decided by `journal.retention`; this carries it out.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, NamedTuple, Optional

from node_agent.journal.retention import FREE_FLOOR, NODE_QUOTA, Drop, Holding, Step, expired, next_drop
from node_agent.journal.segments import drop_segment, list_segments
from node_agent.journal.writer import SESSION_CAP
from node_agent.keeper.catalogue import Catalogue, Past, past_holding, read_past, remove_tree
from node_agent.keeper.clock import moment, wall
from node_agent.keeper.session import Session

CHECK_EVERY_BYTES = 16 * 1024 * 1024
_MOST_DROPS = 1000
"""Segments dropped in one go; a plan that frees nothing must not spin."""


class Limits(NamedTuple):
    """Bytes: of one session, of all, and what is to stay free on the disk."""

    cap: int = SESSION_CAP
    quota: int = NODE_QUOTA
    floor: int = FREE_FLOOR


class Storage:
    """`living` and `past` are the keeper's own; `dropped` hears of each session whose oldest bytes went."""

    def __init__(
        self,
        limits: Limits,
        catalogue: Catalogue,
        living: Dict[str, Session],
        past: Dict[str, Past],
        dropped: Callable[[str], None],
    ) -> None:
        self.limits = limits
        self._catalogue = catalogue
        self._living = living
        self._past = past
        self._dropped = dropped
        self._grown = 0
        self._measured: Dict[str, Holding] = {}  # of ended sessions: looked up once, not at each start

    def grew(self, size: int) -> None:
        """Journals have taken `size` bytes more."""
        self._grown += size
        if self._grown >= min(CHECK_EVERY_BYTES, self.limits.quota // 8):
            self._grown = 0
            self.enforce()

    def enforce(self, room: int = 0) -> bool:
        """Drop until quota and floor hold with `room` bytes more; whether anything was dropped."""
        holdings = {holding.session: holding for holding in self._holdings()}
        total = sum(holding.closed + holding.active for holding in holdings.values())
        changed = False
        for _ in range(_MOST_DROPS):
            if total + room <= self.limits.quota and self._free() >= self.limits.floor + room:
                break
            drop = next_drop(holdings.values())
            if drop is None:
                break
            before = holdings[drop.session]
            after = self._carry_out(drop)
            if after is None or after == before:
                break
            holdings[drop.session] = after
            total += after.closed + after.active - before.closed - before.active
            changed = True
        return changed

    def expire(self) -> None:
        """Remove the sessions whose time is over."""
        for session in expired([self._past_holding(session) for session in self._past], wall()):
            remove_tree(self._catalogue.directory(session))
            del self._past[session]

    def _free(self) -> int:
        found = os.statvfs(self._catalogue.directory(""))
        return found.f_bavail * found.f_frsize

    def _holdings(self) -> List[Holding]:
        for forgotten in self._measured.keys() - self._past.keys():
            del self._measured[forgotten]
        running = [_holding(session) for session in self._living.values()]
        return running + [self._past_holding(session) for session in self._past]

    def _past_holding(self, session: str) -> Holding:
        past = self._past[session]
        if session not in self._measured:
            self._measured[session] = past_holding(past, self._catalogue.directory(session))
        return self._measured[session]._replace(unseen_failure=past.is_unseen_failure)

    def _carry_out(self, drop: Drop) -> Optional[Holding]:
        session = self._living.get(drop.session)
        if session is not None:
            if drop.step is Step.CUT and not session.journal.start_segment(moment()):
                return None
            session.journal.drop_oldest(moment())
            self._dropped(drop.session)
            return _holding(session)
        directory = self._catalogue.directory(drop.session)
        found = list_segments(directory)
        if found:
            drop_segment(directory, found[0].base)
        past = self._past[drop.session]
        again = read_past(directory, past.meta)
        head = past.record.head  # an ended journal's head stays, whatever of it is left
        record = again.record._replace(head=head, first=again.record.first if len(found) > 1 else head)
        self._past[drop.session] = Past(record, past.meta)
        del self._measured[drop.session]
        self._dropped(drop.session)
        return self._past_holding(drop.session)


def _holding(session: Session) -> Holding:
    journal = session.journal
    return Holding(session.id, journal.cost - journal.active_cost, journal.active_cost)
