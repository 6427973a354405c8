"""Sends one report to the agent from inside or outside a session, as hooks of coding agents do."""

from __future__ import annotations

import json
import socket
from typing import Any, Dict, NamedTuple, Optional, Tuple

from node_agent.io.exchange import exchange
from node_agent.io.origin import Origin

LARGEST_EVENT = 4 * 1024 * 1024
"""Characters of a hook's JSON that are read; a longer one says nothing to us."""

_ABOUT = ("command", "file_path", "path", "url", "description")
"""Fields of a tool's input that say what it would do, the most telling first."""

_DETAILS = ("command", "filePath", "toolName", "prompt")
"""The same of the `details` of Gemini CLI's notifications, one for each kind: a command, an edit, MCP, the web."""


class HookEvent(NamedTuple):
    """What is asked, and the coding agent's own id of its conversation."""

    text: str
    conversation: str


def send_signal(
    connection: socket.socket, session: str, state: str, text: str, source: str, origin: Optional[Origin] = None
) -> None:
    """Report `state` of `session` or `origin` and wait until the agent has it. Raises ExchangeError and OSError."""
    report: Dict[str, Any] = {"op": "session.signal", "state": state, "text": text, "source": source}
    if session:
        report["session"] = session
    elif origin is not None:
        report.update(origin._asdict())
    exchange(connection, "signal", report)


def read_hook_event(event: str) -> HookEvent:
    """What a coding agent hands its hook as JSON; nothing where that is not understood."""
    try:
        found = json.loads(event)
    except ValueError:
        return HookEvent("", "")
    if not isinstance(found, dict):
        return HookEvent("", "")
    tool, details = _text(found.get("tool_name")), found.get("details")
    about = _first_text(found.get("tool_input"), _ABOUT)
    told = f"{tool}: {about}" if tool and about else tool
    if not told and (about := _first_text(details, _DETAILS)):
        title = _first_text(details, ("title",)).partition(":")[0]  # what may follow is `about` again, shortened
        told = f"{title}: {about}" if title else about
    return HookEvent(told or _text(found.get("message")), _text(found.get("session_id")))


def _first_text(fields: Any, names: Tuple[str, ...]) -> str:
    """The first of the fields that holds text."""
    known = fields if isinstance(fields, dict) else {}
    return next((text for name in names if (text := _text(known.get(name)))), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
