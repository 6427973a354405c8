"""The agent's socket: one agent a state directory, one connection a client."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from pathlib import Path
from typing import Awaitable, Callable, List

from node_agent.core.rights import Rights
from node_agent.handlers.context import Context
from node_agent.io.channel import Channel
from node_agent.io.connection import Connection
from node_agent.io.peer import may_connect, peer_uid
from node_agent.protocol.errors import RequestError
from node_agent.protocol.message import Request

log = logging.getLogger(__name__)

BACKLOG = 1024
"""sshd connects without waiting: where the backlog is full its channel fails at once."""

MOST_CONNECTIONS = 512

Dispatch = Callable[[Context, Connection, Request], Awaitable[object]]


def _bind(path: Path) -> socket.socket:
    """A socket bound at `path` (0600 in a 0700 directory) in place of what a dead agent left there."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Listens and serves. The lock is held before the old socket is removed."""

    def __init__(self, context: Context, dispatch: Dispatch) -> None:
        self._context = context
        self._dispatch = dispatch
        self._servers: List[asyncio.AbstractServer] = []
        self._last = 0

    async def start(self, path: Path, rights: Rights) -> None:
        """Listen at `path` for clients that have these rights. Raises OSError."""
        accept = functools.partial(self._accept, rights)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: Channel(accept), sock=_bind(path), backlog=BACKLOG)
        self._servers.append(server)

    async def stop(self) -> None:
        """Stop listening and drop every client."""
        for server in self._servers:
            server.close()
        for connection in list(self._context.agent.connections):
            connection.close()

    def _accept(self, rights: Rights, channel: Channel) -> None:
        agent = self._context.agent
        uid = peer_uid(channel.socket)
        if not may_connect(uid) or len(agent.connections) >= MOST_CONNECTIONS:
            log.warning("a connection of user %s was refused", uid)
            channel.abort()
            return
        self._last += 1
        client = f"{agent.store.epoch}.{self._last}"
        connection = Connection(client, channel, agent.clock, self._answer, rights)
        agent.connections.add(connection)
        agent.tasks.spawn(self._serve(connection), name=f"client {client}")

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        finally:
            self._context.keyboard.disconnected(connection)
            try:
                await connection.finish()
            finally:
                self._context.keyboard.disconnected(connection)  # from a lease too that it was only just given
                self._context.agent.connections.discard(connection)

    async def _answer(self, connection: Connection, request: Request) -> object:
        """The reply. An agent that is ending hangs up where it would refuse.

        What it was asked may be done all the same: its successor knows, and the same request finds out there.
        """
        try:
            return await self._dispatch(self._context, connection, request)
        except RequestError:
            if self._context.agent.stopping.is_set():
                connection.close()
            raise
