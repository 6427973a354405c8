"""The lease: the right to type into a session. One holder, visible to all, can be taken over.

Theory. A lease is free, held, or kept. It becomes held when a client takes it, kept when the holder's connection ends,
and free when it is released or was kept for `GRACE` seconds. While it is kept the same operator may take it again, so
that a cut does not hand a session to somebody else; anybody may steal it at any time. An attach that comes back over a
new connection goes on holding it, also before the old connection is known to be dead.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from node_agent.core.moment import Moment
from node_agent.protocol.entities import LeaseInfo

GRACE = 10.0
"""Seconds a lease is kept for an operator whose connection ended."""


class Holder(NamedTuple):
    """Who holds a lease: one connection of an operator, and the attach it belongs to where there is one."""

    client: str
    operator: str
    attach: str = ""

    def continues(self, other: Holder) -> bool:
        """Whether this is the same attach on another connection, or the very same holder."""
        return self == other or bool(self.attach and self.attach == other.attach and self.operator == other.operator)


class Lease:
    """The lease of one session."""

    def __init__(self) -> None:
        self._holder: Optional[Holder] = None
        self._since: Optional[Moment] = None
        self._kept_until: Optional[float] = None  # boot clock

    @property
    def holder(self) -> Optional[Holder]:
        return self._holder

    def info(self, now: Moment) -> Optional[LeaseInfo]:
        if self._holder is None or self._since is None:
            return None
        return LeaseInfo(self._holder.operator, self._since.age_at(now))

    def allows(self, client: str) -> bool:
        """Whether `client` may type: nobody else holds the lease."""
        return self._holder is None or self._holder.client == client

    def take(self, by: Holder, now: Moment, steal: bool = False) -> bool:
        """Make `by` the holder; False when somebody else holds it and `steal` is not set."""
        if self._holder is not None and not steal and not self._is_for(by):
            return False
        if self._holder is None or not by.continues(self._holder):
            self._since = now
        self._holder = by
        self._kept_until = None
        return True

    def _is_for(self, by: Holder) -> bool:
        assert self._holder is not None
        if by.continues(self._holder):
            return True
        if self._kept_until is not None:
            return self._holder.operator == by.operator
        return self._holder.client == by.client

    def release(self, client: str) -> bool:
        """Free the lease if `client` holds it; whether it did."""
        if self._holder is None or self._holder.client != client:
            return False
        self._clear()
        return True

    def disconnect(self, client: str, now: Moment) -> bool:
        """The connection of `client` has ended: keep its lease for a while from now on; whether it had one."""
        if self._holder is None or self._holder.client != client or self._kept_until is not None:
            return False
        self._kept_until = now.boot + GRACE
        return True

    def expire(self, now: Moment) -> bool:
        """Free a lease that was kept long enough; whether it was."""
        if self._kept_until is None or now.boot < self._kept_until:
            return False
        self._clear()
        return True

    @property
    def expires(self) -> Optional[float]:
        """The boot clock's time at which `expire` frees the lease, or None."""
        return self._kept_until

    def _clear(self) -> None:
        self._holder = self._since = self._kept_until = None
