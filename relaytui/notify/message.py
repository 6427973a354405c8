"""What one sending carries: an alert, or several that came due together. Sans-IO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node_agent.protocol.asks import Alert, Severity

MOST_SINGLY = 3
"""Alerts due at once that are told one by one; more of them are one message."""

_LISTED = 10
_LEVELS = (Severity.LOW, Severity.NORMAL, Severity.HIGH)


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
        """What webhooks and commands get: the same fields as from a node that sends by itself."""
        first = self.raised[0]
        is_single = len(self.raised) == 1
        return {
            "key": self.key,
            "keys": [each.alert.key for each in self.raised],
            "kind": first.alert.kind.value,
            "severity": self.severity.value,
            "title": self.title,
            "body": self.body,
            "node": first.node,
            "session": first.alert.session if is_single else "",
            "ask": (first.alert.ask or "") if is_single else "",
        }


def severity_rank(severity: Severity) -> int:
    return _LEVELS.index(severity)


def messages(raised: Sequence[Raised]) -> list[Message]:
    """The messages that tell `raised`: one each, or one for all where there are many at once."""
    if len(raised) <= MOST_SINGLY:
        return [Message(each.alert.title, each.alert.body, each.alert.severity, (each,)) for each in raised]
    lines = [each.alert.title for each in raised[:_LISTED]]
    if len(raised) > _LISTED:
        lines.append(f"and {len(raised) - _LISTED} more")
    severity = max((each.alert.severity for each in raised), key=severity_rank)
    nodes = sorted({each.node for each in raised})
    return [Message(f"{', '.join(nodes)}: {len(raised)} alerts", "\n".join(lines), severity, tuple(raised))]
