"""Sends one report to the agent from inside or outside a session, as hooks of coding agents do."""

from __future__ import annotations

import getpass
import socket
from typing import Any, Dict

import node_agent
from node_agent.protocol.errors import ProtocolError
from node_agent.protocol.frames import FrameDecoder, FrameType, encode_json
from node_agent.protocol.version import PreambleReader, preamble


class SignalError(Exception):
    """The report was refused or not answered; the message is one line."""


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
