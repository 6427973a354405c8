"""What an alert looks like to whoever is told of it: the contract with webhooks, ntfy servers and commands.

Node, hub and console send the same, so that a receiver cannot tell, and need not know, which of them did. Nothing is
sent here.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from node_agent.protocol.states import AlertKind, Severity

SECONDS_TO_SEND = 10.0

MOST_SINGLY = 3
"""Alerts due at once that are told one by one; more of them are one message."""

_LISTED = 10
_LEVELS = (Severity.LOW, Severity.NORMAL, Severity.HIGH)
_NTFY_PRIORITIES = {Severity.LOW: 2, Severity.NORMAL: 3, Severity.HIGH: 5}


class Sent(NamedTuple):
    """What came of one sending."""

    is_sent: bool
    detail: str


class Post(NamedTuple):
    """One HTTP POST."""

    url: str
    headers: Dict[str, str]
    body: bytes


def payload(
    *,
    keys: Sequence[str],
    kind: AlertKind,
    severity: Severity,
    title: str,
    body: str,
    node: str,
    session: str,
    ask: str,
) -> Dict[str, Any]:
    """What webhooks and commands get; `keys` names every alert it stands for, the first is the message's own."""
    return {
        "key": keys[0],
        "keys": list(keys),
        "kind": kind.value,
        "severity": severity.value,
        "title": title,
        "body": body,
        "node": node,
        "session": session,
        "ask": ask,
    }


def webhook_post(settings: Mapping[str, str], told: Mapping[str, Any]) -> Post:
    return Post(settings["url"], _headers(settings), json.dumps(told).encode())


def ntfy_post(settings: Mapping[str, str], told: Mapping[str, Any]) -> Post:
    """Published as JSON to the server's root (ntfy, "publish as JSON"): headers carry no text beyond Latin-1.

    The key is a tag, so that who gets a message twice can tell; a tag that names no emoji is shown as it is.
    """
    server, _, topic = settings["url"].rpartition("/")
    body = {
        "topic": topic,
        "title": told["title"],
        "message": told["body"] or told["title"],
        "priority": _NTFY_PRIORITIES[Severity(told["severity"])],
        "tags": [told["key"]],
    }
    return Post(f"{server}/", _headers(settings), json.dumps(body).encode())


def _headers(settings: Mapping[str, str]) -> Dict[str, str]:
    token = settings.get("token", "")
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}


def command_variables(told: Mapping[str, Any]) -> Dict[str, str]:
    """A command's environment beside what it inherits."""
    return {f"RELAY_ALERT_{name.upper()}": str(value) for name, value in told.items() if name != "keys"}


def exit_result(code: int, errors: bytes) -> Sent:
    """What a command's end says: its last line on stderr tells why it failed."""
    words = [] if code == 0 else errors.decode("utf-8", "replace").strip().splitlines()[-1:]
    return Sent(code == 0, ": ".join([f"exit status {code}", *words]))


def http_result(status: int) -> Sent:
    return Sent(200 <= status < 300, f"HTTP {status}")


def summary(who: str, titles: Sequence[str]) -> Tuple[str, str]:
    """Title and body of one message for many alerts of `who`."""
    lines: List[str] = list(titles[:_LISTED])
    if len(titles) > _LISTED:
        lines.append(f"and {len(titles) - _LISTED} more")
    return f"{who}: {len(titles)} alerts", "\n".join(lines)


def is_wanted(kinds: Sequence[str], least: Severity, kind: AlertKind, severity: Severity) -> bool:
    """Whether a channel for these kinds (all where empty) from this severity on takes an alert.

    One raised by hand goes through all of them.
    """
    if kind is AlertKind.MANUAL:
        return True
    return (not kinds or kind.value in kinds) and severity_rank(severity) >= severity_rank(least)


def severity_rank(severity: Severity) -> int:
    return _LEVELS.index(severity)
