"""Sends one report to the agent from inside or outside a session, as hooks of coding agents do."""

from __future__ import annotations

import getpass
import json
import socket
from typing import Any, Dict, NamedTuple

import node_agent
from node_agent.protocol.errors import ProtocolError
from node_agent.protocol.frames import FrameDecoder, FrameType, encode_json
from node_agent.protocol.version import PreambleReader, preamble

LARGEST_EVENT = 4 * 1024 * 1024
"""Characters of a hook's JSON that are read; a longer one says nothing to us."""


class SignalError(Exception):
    """The report was refused or not answered; the message is one line."""


_ABOUT = ("command", "file_path", "path", "url", "description")
"""Fields of a tool's input that say what it would do, the most telling first."""


class HookEvent(NamedTuple):
    """What is asked, and the coding agent's own id of its conversation."""

    text: str
    conversation: str


def send_signal(connection: socket.socket, session: str, state: str, text: str, source: str) -> None:
    """Report `state` and wait until the agent has it. Raises SignalError and OSError."""
    hello = {
        "op": "hello",
        "client": "signal",
        "operator": getpass.getuser(),
        "version": node_agent.__version__,
        "watch": False,
    }
    report: Dict[str, Any] = {"op": "session.signal", "state": state, "text": text, "source": source}
    if session:
        report["session"] = session
    connection.sendall(
        preamble() + encode_json(FrameType.REQUEST, hello, number=1) + encode_json(FrameType.REQUEST, report, number=2)
    )
    try:
        _wait_for_reply(connection, 2)
    except ProtocolError as error:
        raise SignalError(f"the node agent cannot be understood: {error}") from error


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


def _wait_for_reply(connection: socket.socket, number: int) -> None:
    greeting = PreambleReader()
    decoder = FrameDecoder()
    has_greeted = False
    while True:
        data = connection.recv(64 * 1024)
        if not data:
            raise SignalError("the node agent hung up")
        if not has_greeted:
            if greeting.feed(data) is None:
                continue
            has_greeted, data = True, greeting.rest
        for frame in decoder.feed(data):
            if frame.number == number and frame.type is FrameType.REPLY:
                return
            if frame.number in (1, number) and frame.type is FrameType.REFUSAL:
                raise SignalError(str(frame.json().get("message", "refused")))
