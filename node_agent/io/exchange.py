"""A few requests to the agent from a program that does nothing else: blocking, and quick to import."""

from __future__ import annotations

import getpass
import socket
from typing import Any, Dict

import node_agent
from node_agent.io.paths import NodePaths
from node_agent.io.start import connect
from node_agent.protocol.errors import ProtocolError
from node_agent.protocol.frames import FrameDecoder, FrameType, encode_json
from node_agent.protocol.version import PreambleReader, Versions, is_later, preamble


class ExchangeError(Exception):
    """A request was refused or not answered; the message is one line."""


class NewerProtocolError(ExchangeError):
    """The agent speaks only what newer ones do; `lowest` is the oldest of its versions."""

    def __init__(self, lowest: int) -> None:
        super().__init__(f"the node agent speaks version {lowest}, too new")
        self.lowest = lowest


def exchange(connection: socket.socket, client: str, *requests: Dict[str, Any]) -> Dict[str, Any]:
    """Say hello as `client`, put `requests`, and return the reply to the last of all. Raises ExchangeError and OSError.

    Returns only when the agent has carried all of them out.
    """
    hello = {
        "op": "hello",
        "client": client,
        "operator": getpass.getuser(),
        "version": node_agent.__version__,
        "watch": False,
    }
    frames = [
        encode_json(FrameType.REQUEST, request, number=number) for number, request in enumerate((hello, *requests), 1)
    ]
    connection.sendall(preamble() + b"".join(frames))
    try:
        return _wait_for_reply(connection, len(frames))
    except ProtocolError as error:
        raise ExchangeError(f"the node agent cannot be understood: {error}") from error


def newer_agent(paths: NodePaths) -> str:
    """The release of the agent that serves where that is newer than this one; "" where not, or where none answers."""
    try:
        with connect(paths) as connection:
            reply = exchange(connection, "probe")
        version = str(reply["node"]["agent"]["version"])
    except NewerProtocolError as error:
        return f"of protocol {error.lowest}"
    except (ExchangeError, OSError, KeyError, TypeError):
        return ""
    return version if is_later(version, node_agent.__version__) else ""


def _wait_for_reply(connection: socket.socket, number: int) -> Dict[str, Any]:
    greeting = PreambleReader()
    decoder = FrameDecoder()
    has_greeted = False
    while True:
        data = connection.recv(64 * 1024)
        if not data:
            raise ExchangeError("the node agent hung up")
        if not has_greeted:
            theirs = greeting.feed(data)
            if theirs is None:
                continue
            if theirs.lowest > Versions().highest:
                raise NewerProtocolError(theirs.lowest)
            has_greeted, data = True, greeting.rest
        for frame in decoder.feed(data):
            if frame.number == number and frame.type is FrameType.REPLY:
                return frame.json()
            if frame.number <= number and frame.type is FrameType.REFUSAL:
                raise ExchangeError(str(frame.json().get("message", "refused")))
