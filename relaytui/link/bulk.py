"""The second, lazy connection to a node: downloads and followed logs travel there, so that keys never wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from relaytui.link.client import STALE_AFTER, NodeClient
from relaytui.link.errors import LinkLost
from relaytui.link.tasks import cancel, spawn

IDLE_LIMIT = 60.0
"""Seconds without a stream or request after which the connection is closed."""


class BulkLink:
    """Opens the connection when it is first needed and closes it when nobody has needed it for a while."""

    def __init__(self, connect: Callable[[], Awaitable[NodeClient]], idle_limit: float = IDLE_LIMIT) -> None:
        self._connect = connect
        self._idle_limit = idle_limit
        self._client: NodeClient | None = None
        self._lock = asyncio.Lock()
        self._closer: asyncio.Task[None] | None = None

    async def client(self) -> NodeClient:
        """The connection, opened if there is none. Raises a LinkError."""
        async with self._lock:
            if self._client is None or self._client.is_closed:
                await self.close()
                self._client = await self._connect()
                self._closer = spawn(self._close_when_idle(self._client), name="bulk link idle")
            self._client.touch()
            return self._client

    async def close(self) -> None:
        await cancel(self._closer)
        if self._client is not None:
            await self._client.close()

    async def _close_when_idle(self, client: NodeClient) -> None:
        """End the connection when it is of no use any more: not needed, or silent."""
        while not client.is_closed and (left := self._idle_limit - client.idle()) > 0:
            if client.silence() > STALE_AFTER:
                await client.close(LinkLost(f"{client.name}: the second connection fell silent; reconnecting"))
            await asyncio.wait([client.closed], timeout=min(left, 1.0))
        await client.close()
