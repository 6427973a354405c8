"""What one sending carries: an alert, or several that came due together. Sans-IO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from node_agent.protocol.delivery import MOST_SINGLY, payload, severity_rank, summary
from node_agent.protocol.entities import Alert
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.states import Severity
from node_agent.terminal.sanitise import sanitise

_NAME_LIMIT = 200
_BODY_LIMIT = 2000


@dataclass(frozen=True)
class Raised:
    """An alert and the alias of the node that owns it."""

    node: str
    alert: Alert


@dataclass(frozen=True)
class Message:
    """`raised` are the alerts it stands for; the first one's key is the message's."""

    title: str
    body: str
    severity: Severity
    raised: tuple[Raised, ...]

    @property
    def key(self) -> str:
        return self.raised[0].alert.key

    def payload(self) -> dict[str, Any]:
        """What webhooks and commands get."""
        first = self.raised[0]
        is_single = len(self.raised) == 1
        return payload(
            keys=[each.alert.key for each in self.raised],
            kind=first.alert.kind,
            severity=self.severity,
            title=self.title,
            body=self.body,
            node=first.node,
            session=first.alert.session if is_single else "",
            ask=(first.alert.ask or "") if is_single else "",
        )


def cleaned(alert: Alert) -> Alert:
    """The alert as it may be shown and told: the node that wrote it may be hostile. An honest node's stays as it is."""
    return replace(
        alert,
        key=sanitise(alert.key, _NAME_LIMIT),
        title=sanitise(alert.title, _NAME_LIMIT),
        body=sanitise(alert.body, _BODY_LIMIT, multiline=True),
        session=SessionId(sanitise(alert.session, _NAME_LIMIT)),
        ask=None if alert.ask is None else AskId(sanitise(alert.ask, _NAME_LIMIT)),
    )


def messages(raised: Sequence[Raised]) -> list[Message]:
    """The messages that tell `raised`: one each, or one for all where there are many at once."""
    if len(raised) <= MOST_SINGLY:
        return [Message(each.alert.title, each.alert.body, each.alert.severity, (each,)) for each in raised]
    severity = max((each.alert.severity for each in raised), key=severity_rank)
    who = ", ".join(sorted({each.node for each in raised}))
    return [Message(*summary(who, [each.alert.title for each in raised]), severity, tuple(raised))]
