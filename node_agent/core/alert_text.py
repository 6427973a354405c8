"""What alerts say, alone and together."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from node_agent.core.alerts import AlertState
from node_agent.protocol.delivery import MOST_SINGLY, severity_rank, summary
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.states import AlertKind, AskKind, Severity

_ASKS_FOR = {
    AskKind.CONFIRM: "asks for a yes or no",
    AskKind.CHOICE: "asks to choose",
    AskKind.PASSWORD: "asks for a password",
    AskKind.TEXT: "asks for text",
    AskKind.PAGER: "waits in a pager",
    AskKind.EDITOR: "waits in an editor",
    AskKind.KEY: "waits for a key",
    AskKind.LOGIN: "asks for a login",
}


class Message(NamedTuple):
    """What one sending carries: `key` is the alert's, or the first's of several told together."""

    key: str
    kind: AlertKind
    severity: Severity
    title: str
    body: str
    session: str
    ask: str
    alerts: Tuple[AlertState, ...]


def ask_words(host: str, title: str, ask: AskInfo) -> Tuple[str, str]:
    """Title and body of an alert about an ask. `title` is the session's."""
    who = title or ask.program or "a program"
    options = ", ".join(option.label for option in ask.options)
    return f"{host}: {who} {_ASKS_FOR[ask.kind]}", "\n".join(text for text in (ask.excerpt, options) if text)


def end_words(host: str, title: str, code: Optional[int], signal: Optional[int], reason: str) -> Tuple[str, str]:
    """Title and body of an alert about a session that ended."""
    if reason:
        return f"{host}: {title} is lost", reason
    if signal is not None:
        return f"{host}: {title} was ended by signal {signal}", ""
    return f"{host}: {title} has ended", "" if code == 0 else f"exit status {code}"


def coalesce(alerts: Sequence[AlertState]) -> List[Message]:
    """The messages that tell `alerts`: one each, or one for all where there are many at once."""
    if len(alerts) <= MOST_SINGLY:
        return [
            Message(
                alert.key, alert.kind, alert.severity, alert.title, alert.body, alert.session, alert.ask or "", (alert,)
            )
            for alert in alerts
        ]
    severity = max((alert.severity for alert in alerts), key=severity_rank)
    first = alerts[0]
    title, body = summary(first.title.partition(":")[0], [alert.title for alert in alerts])
    return [Message(first.key, first.kind, severity, title, body, "", "", tuple(alerts))]
