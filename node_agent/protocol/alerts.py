"""Alerts, the requests about them, and the proof that somebody was told.

An *alert* is what channels send about an ask, an exit, a failure or a finished turn: one row on the owning node with a
stable key, claimed before it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Tuple, Type

from node_agent.protocol.entities import Alert
from node_agent.protocol.ids import NO_SESSION, SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.states import AlertKind, Severity


@dataclass(frozen=True)
class AlertList:
    alerts: Tuple[Alert, ...]


@dataclass(frozen=True)
class ListAlerts(Request):
    """Alerts with a number over `after`, oldest first."""

    op: ClassVar[str] = "alert.list"
    reply: ClassVar[Type[Any]] = AlertList
    after: int = 0
    limit: int = 200
    only_open: bool = False


@dataclass(frozen=True)
class AlertClaim:
    """`token` is 0 when somebody else has the claim or has sent it; `until` is seconds from now."""

    token: int
    until: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class ClaimAlert(Request):
    """Ask for the right to send one alert through one channel. It lasts 15 s; after that it is anybody's again."""

    op: ClassVar[str] = "alert.claim"
    reply: ClassVar[Type[Any]] = AlertClaim
    key: str
    channel: str
    sender: str


@dataclass(frozen=True)
class ReportAlert(Request):
    """What came of a claimed alert; refused with `stale_version` when the claim is somebody else's by now."""

    op: ClassVar[str] = "alert.report"
    key: str
    channel: str
    token: int
    sent: bool
    detail: str = ""


@dataclass(frozen=True)
class RaiseAlert(Request):
    """Raise an alert by hand (`relaytui notify send`), or one that only a hub can know of."""

    op: ClassVar[str] = "alert.raise"
    reply: ClassVar[Type[Any]] = Alert
    key: str
    kind: AlertKind
    title: str
    body: str = ""
    severity: Severity = Severity.NORMAL
    session: SessionId = NO_SESSION
