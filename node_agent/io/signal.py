"""Sends one report to the agent from inside or outside a session, as hooks of coding agents do."""

from __future__ import annotations

import json
import socket
from typing import Any, Dict, NamedTuple

from node_agent.io.exchange import exchange

LARGEST_EVENT = 4 * 1024 * 1024
"""Characters of a hook's JSON that are read; a longer one says nothing to us."""

_ABOUT = ("command", "file_path", "path", "url", "description")
"""Fields of a tool's input that say what it would do, the most telling first."""


class HookEvent(NamedTuple):
    """What is asked, and the coding agent's own id of its conversation."""

    text: str
    conversation: str


def send_signal(connection: socket.socket, session: str, state: str, text: str, source: str) -> None:
    """Report `state` and wait until the agent has it. Raises ExchangeError and OSError."""
    report: Dict[str, Any] = {"op": "session.signal", "state": state, "text": text, "source": source}
    if session:
        report["session"] = session
    exchange(connection, "signal", report)


def read_hook_event(event: str) -> HookEvent:
    """What a coding agent hands its hook as JSON; nothing where that is not understood."""
    try:
        found = json.loads(event)
    except ValueError:
        return HookEvent("", "")
    if not isinstance(found, dict):
        return HookEvent("", "")
    tool, given = _text(found.get("tool_name")), found.get("tool_input")
    details = given if isinstance(given, dict) else {}
    about = next((text for name in _ABOUT if (text := _text(details.get(name)))), "")
    told = f"{tool}: {about}" if tool and about else tool
    return HookEvent(told or _text(found.get("message")), _text(found.get("session_id")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
