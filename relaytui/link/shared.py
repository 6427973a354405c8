"""Links through a hub on this machine: its SSH connection is there already, so that nobody else needs a handshake.

The hub's socket takes one line, `relaytui-hub 1 ALIAS FINGERPRINT`, and answers `ok`, after which the stream is that of
the node's agent, or one line saying why not. The fingerprint is of the node's configuration: an alias that means
another machine to the hub than to us is never taken for ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from relaytui.config import NodeConfig, Transport
from relaytui.link.duplex import Connector, Duplex
from relaytui.link.errors import AgentUnreachable
from relaytui.link.peer import stranger_at

HELLO = "relaytui-hub 1"
STATUS = f"{HELLO} status"
LINE_LIMIT = 1024
_PATIENCE = 1.0
"""Seconds a hub may take: half of what a command that asks several nodes has for one of them."""


def fingerprint(node: NodeConfig) -> str:
    """What a node's configuration says of the way to it."""
    fields = {name: value for name, value in asdict(node).items() if name != "tags"}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


class SharedConnector:
    """Opens streams through the hub where one runs, else by what `make_own` makes: the SSH library costs a command
    more than all the rest, so it is imported only when it is needed.
    """

    def __init__(self, node: NodeConfig, make_own: Callable[[], Connector], socket: Path) -> None:
        self._node = node
        self._make_own = make_own
        self._own: Connector | None = None
        self._socket = socket

    async def open(self, *, bulk: bool = False) -> Duplex:
        """A stream to the node's agent. Raises a LinkError. Bulk keeps off the hub's one connection.

        A hub that hangs, or whose own link is down or silent, is passed over, so that it can only be of use.
        """
        if not bulk and self._node.transport is Transport.ASYNCSSH and self._socket.exists():
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await open_shared(self._node, self._socket)
            except (OSError, TimeoutError, AgentUnreachable):
                pass  # it would have been the shorter way
        self._own = self._own or self._make_own()
        return await self._own.open(bulk=bulk)


async def open_shared(node: NodeConfig, path: Path) -> Duplex:
    """A stream to the node's agent through the hub. Raises OSError, or AgentUnreachable where the hub has no link."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    if (stranger := stranger_at(writer.get_extra_info("socket"))) is not None:
        writer.close()
        raise AgentUnreachable(f"{node.alias}: {path} belongs to user {stranger}, not to us; not used")
    try:
        writer.write(f"{HELLO} {node.alias} {fingerprint(node)}\n".encode())
        answer = (await reader.readline()).decode("utf-8", "replace").strip()
    except BaseException:  # cancelled, too: nobody else has the connection
        writer.close()
        raise
    if answer != "ok":
        writer.close()
        raise AgentUnreachable(f"{node.alias}: the hub has no link there: {answer or 'it ended'}")

    async def release() -> None:
        try:
            await writer.wait_closed()
        except OSError:
            pass  # it is closed either way

    return Duplex(reader, writer, "through the hub", release)
