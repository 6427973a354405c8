"""A node's mutes, channels and switches, and the requests that read and replace them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Tuple, Type

from node_agent.protocol.message import Request
from node_agent.protocol.states import Severity


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
