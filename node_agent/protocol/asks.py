"""Requests about asks and alerts: answering, claiming, acknowledging, muting, and the proof that somebody was told.

An *ask* is one instance of a session needing a human. An *alert* is what channels send about it, or about an exit, a
failure or a finished turn: one row on the owning node with a stable key, claimed before it is sent.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Optional, Tuple, Type

from node_agent.protocol.ids import NO_SESSION, AskId, SessionId
from node_agent.protocol.requests import Request
from node_agent.protocol.states import AskKind, Attention


class Outcome(str, enum.Enum):
    """What became of an answer."""

    ACCEPTED = "accepted"  # the program took it and went on
    REFUSED = "refused"  # nothing that submits was typed
    UNCONFIRMED = "unconfirmed"  # it was typed, and what the program made of it is not known


@dataclass(frozen=True)
class Answered:
    """`why` is one sentence; `chosen` the label or kind of input that was sent, never a secret."""

    outcome: Outcome
    why: str = ""
    chosen: str = ""
    attention: Attention = Attention.UNKNOWN
    next_ask: Optional[AskId] = None  # what the session asks now


@dataclass(frozen=True)
class AnswerAsk(Request):
    """Answer one ask; refused when it is no longer the one on screen. Exactly one way of answering is set.

    `label` chooses the option with that label, `option` the one at that place (from 1), `yes` the option that means
    yes or no, `text` is pasted and submitted, `secret` is typed without being recorded, `keys` are sent as named.
    `request` makes a retry harmless: the same one is carried out once, whatever died in between.
    """

    op: ClassVar[str] = "ask.answer"
    reply: ClassVar[Type[Any]] = Answered
    ask: AskId
    request: str
    label: Optional[str] = None
    option: Optional[int] = None
    yes: Optional[bool] = None
    text: Optional[str] = None
    secret: Optional[str] = None
    keys: Tuple[str, ...] = ()
    policy: str = ""  # the rule that answers, when no human does
    steal: bool = False


@dataclass(frozen=True)
class ClaimAsk(Request):
    """Say that the operator is handling this ask; it ends by itself after `seconds`, or at once with 0."""

    op: ClassVar[str] = "ask.claim"
    ask: AskId
    seconds: float = 120.0


@dataclass(frozen=True)
class AckAsk(Request):
    """The operator has seen it: it stays open, no channel repeats or escalates it."""

    op: ClassVar[str] = "ask.ack"
    ask: AskId


@dataclass(frozen=True)
class SnoozeAsk(Request):
    """Be silent about this ask for `seconds`; 0 is until the ask changes; negative ends it."""

    op: ClassVar[str] = "ask.snooze"
    ask: AskId
    seconds: float = 0.0


class MuteScope(str, enum.Enum):
    NODE = "node"
    SESSION = "session"  # value: the session's id
    KIND = "kind"  # value: an AskKind or AlertKind


@dataclass(frozen=True)
class Mute:
    """What no channel tells about. It is still listed everywhere, marked as muted."""

    scope: MuteScope
    value: str = ""
    by: str = ""


class Severity(str, enum.Enum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True)
class NodeChannel:
    """A channel the node sends through itself when nobody claims an alert; kept 0600, shown without its settings.

    Set again under the same name and kind without settings, it keeps those it has. `version` is shown: by it whoever
    set the channel sees whether the copy here is theirs. What it is for is what the operator's own channel is for.
    """

    name: str
    kind: str  # "webhook", "ntfy", "command"
    settings: Dict[str, str] = field(default_factory=dict)
    version: str = ""
    kinds: Tuple[str, ...] = ()  # of alerts; all where empty
    severity: Severity = Severity.LOW  # and above
    delay: float = 0.0  # seconds an alert must be open before anybody tells it


@dataclass(frozen=True)
class NodeSettings:
    """Mutes and channel switches of a node: they live there, with a version that grows with each change."""

    version: int = 0
    mutes: Tuple[Mute, ...] = ()
    disabled: Tuple[str, ...] = ()  # names of channels that are switched off for this node
    channels: Tuple[NodeChannel, ...] = ()
    policy_suspended: bool = False
    quiet: str = ""  # "22:00-07:00" in the node's time zone, "" none
    escalate_after: float = 0.0  # seconds an ask may wait unacked before it is told again, 0 never


@dataclass(frozen=True)
class GetSettings(Request):
    op: ClassVar[str] = "settings.get"
    reply: ClassVar[Type[Any]] = NodeSettings


@dataclass(frozen=True)
class SetSettings(Request):
    """Replace the settings if `settings.version` is still the current one; else refused with `stale_version`."""

    op: ClassVar[str] = "settings.set"
    reply: ClassVar[Type[Any]] = NodeSettings
    settings: NodeSettings


class AlertKind(str, enum.Enum):
    """What an alert is about."""

    ASK = "ask"
    EXIT = "exit"  # a session ended with status 0
    FAILURE = "failure"  # it ended otherwise, or was lost
    TURN = "turn"  # a coding agent or a long command is back at rest after work
    NODE_LOST = "node_lost"  # made by hub or console: the node cannot say it
    NODE_BACK = "node_back"
    MANUAL = "manual"


@dataclass(frozen=True)
class Delivery:
    """One channel's try at an alert. `state`: claimed, sent, failed."""

    channel: str
    sender: str
    state: str
    age: float
    detail: str = ""
    tries: int = 1


@dataclass(frozen=True)
class Alert:
    """`key` is stable: the same happening has the same key for every sender and after every restart."""

    key: str
    kind: AlertKind
    severity: Severity
    title: str
    body: str
    age: float
    n: int  # grows with each alert of the node
    session: SessionId = NO_SESSION
    ask: Optional[AskId] = None
    ask_kind: Optional[AskKind] = None
    is_open: bool = True  # still worth telling: its ask is open, nobody acked it
    silenced: str = ""  # why no channel tells it: "muted", "quiet hours", "ann is attached", "pager started as such"
    deliveries: Tuple[Delivery, ...] = ()


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
