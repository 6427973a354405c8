"""What the fleet takes in, and what it says has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from node_agent.protocol.entities import Alert, AskInfo, EventRecord
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.notices import Notice
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import NodeStatus
from relaytui.fleet.views import AskView

# What goes in -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StatusReported:
    node: str
    status: NodeStatus


@dataclass(frozen=True)
class HelloReceived:
    """A link is up: the node's whole picture, replacing the one before."""

    node: str
    reply: HelloReply


@dataclass(frozen=True)
class NoticeReceived:
    node: str
    notice: Notice


@dataclass(frozen=True)
class EventReceived:
    node: str
    record: EventRecord


@dataclass(frozen=True)
class DeltaReceived:
    key: SessionKey
    delta: dict[str, Any]


@dataclass(frozen=True)
class CacheLoaded:
    """What was known of a node when the console last ran, shown until it answers."""

    node: str
    reply: HelloReply


FleetInput = StatusReported | HelloReceived | NoticeReceived | EventReceived | DeltaReceived | CacheLoaded

# What comes out -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NodeChanged:
    """Anything of a node but its sessions; it may be new or gone."""

    node: str


@dataclass(frozen=True)
class SessionChanged:
    key: SessionKey
    is_new: bool = False


@dataclass(frozen=True)
class SessionGone:
    key: SessionKey


@dataclass(frozen=True)
class AskOpened:
    """An ask this console had not seen; its age tells whether it has just started."""

    view: AskView


@dataclass(frozen=True)
class AskClosed:
    node: str
    key: SessionKey | None
    ask: AskInfo


@dataclass(frozen=True)
class ScreenChanged:
    """Rows of a session's screen to draw again, those the cursor left and entered included; all after a resize."""

    key: SessionKey
    rows: tuple[int, ...]


@dataclass(frozen=True)
class SessionRang:
    """A bell, or with a text the notification a session's program sent."""

    key: SessionKey
    title: str = ""
    body: str = ""


@dataclass(frozen=True)
class ClipboardOffered:
    """A session asked to write the clipboard; `data` is base64."""

    key: SessionKey
    data: str


@dataclass(frozen=True)
class EventRecorded:
    """A durable event of a node: each comes once and in order."""

    node: str
    record: EventRecord


@dataclass(frozen=True)
class AlertReported:
    """An alert of a node was raised, silenced, delivered, or is no longer worth telling."""

    node: str
    alert: Alert


@dataclass(frozen=True)
class Warned:
    """One line the operator should read."""

    node: str
    text: str


Change = (
    NodeChanged
    | SessionChanged
    | SessionGone
    | AskOpened
    | AskClosed
    | ScreenChanged
    | SessionRang
    | ClipboardOffered
    | EventRecorded
    | AlertReported
    | Warned
)
