"""Notices: state the node keeps its clients up to date with. Rate-limited, latest wins, unknown ones are ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Optional, Type

from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import Alert, AskInfo, NodeFacts, SessionInfo
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.settings import NodeSettings


class Notice:
    """Base of all notices: `name` is its name on the wire."""

    name: ClassVar[str]


@dataclass(frozen=True)
class SessionChanged(Notice):
    """A session is new or anything of it but its screen changed."""

    name: ClassVar[str] = "session"
    session: SessionInfo


@dataclass(frozen=True)
class SessionGone(Notice):
    name: ClassVar[str] = "session.gone"
    session: SessionId


@dataclass(frozen=True)
class AskChanged(Notice):
    """An ask of no session opened or changed; asks of sessions come with their session."""

    name: ClassVar[str] = "ask"
    ask: AskInfo


@dataclass(frozen=True)
class AskGone(Notice):
    name: ClassVar[str] = "ask.gone"
    ask: AskId


@dataclass(frozen=True)
class Rang(Notice):
    """A session rang its bell or sent a notification of its own."""

    name: ClassVar[str] = "rang"
    session: SessionId
    title: str = ""
    body: str = ""  # both empty: a bell


@dataclass(frozen=True)
class FactsChanged(Notice):
    """The node's facts, every 10 s: its heartbeat."""

    name: ClassVar[str] = "facts"
    facts: NodeFacts


@dataclass(frozen=True)
class ClipboardWrite(Notice):
    """A session asked to write the clipboard (OSC 52); the console decides."""

    name: ClassVar[str] = "clipboard"
    session: SessionId
    data: str  # base64


@dataclass(frozen=True)
class SettingsChanged(Notice):
    """Mutes or channel switches of the node changed, by whomever."""

    name: ClassVar[str] = "settings"
    settings: NodeSettings


@dataclass(frozen=True)
class AlertChanged(Notice):
    """An alert was raised, silenced, delivered, or is no longer worth telling."""

    name: ClassVar[str] = "alert"
    alert: Alert


NOTICES: Dict[str, Type[Notice]] = {
    kind.name: kind
    for kind in (
        SessionChanged,
        SessionGone,
        AskChanged,
        AskGone,
        Rang,
        FactsChanged,
        ClipboardWrite,
        SettingsChanged,
        AlertChanged,
    )
}


def notice_to_wire(notice: Notice) -> Dict[str, Any]:
    """The JSON object a NOTICE frame carries."""
    return {"notice": notice.name, **to_wire(notice)}


def parse_notice(data: Dict[str, Any]) -> Optional[Notice]:
    """The notice a NOTICE frame holds, or None for one this side does not know."""
    kind = NOTICES.get(str(data.get("notice")))
    return from_wire(kind, data) if kind else None
