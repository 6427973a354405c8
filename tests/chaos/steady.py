"""A client that goes on over every cut: it reconnects, takes up events at its cursor, and tries requests again.

This is what a console or hub does, with nothing of their code, so that the node's promises are tested by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from node_agent.protocol.entities import EventRecord, SessionInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from tests.client import Client
from tests.harness import Node
from tests.waiting import LIMIT

T = TypeVar("T")
_PAUSE = 0.02


class Cut(Exception):
    """The connection ended before the answer came."""


class SteadyClient:
    """`events` are all since the beginning, as they came; a repeated one would stand there twice."""

    def __init__(self, node: Node) -> None:
        self.events: list[EventRecord] = []
        self.connections = 0
        self._node = node
        self._client: Client | None = None
        self._is_up = asyncio.Event()
        self._task = asyncio.create_task(self._keep_connected())

    @property
    def sessions(self) -> dict[SessionId, SessionInfo]:
        """The sessions as the present or last connection knows them."""
        return self._client.sessions if self._client is not None else {}

    async def request(self, request: Request) -> Any:
        """The reply, tried again over every cut; raises RequestError as the node refused it."""
        async with asyncio.timeout(4 * LIMIT):
            while True:
                await self._is_up.wait()
                assert self._client is not None
                try:
                    return await _unless_cut(self._client, self._client.request(request))
                except Cut:
                    await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _keep_connected(self) -> None:
        while True:
            client = Client()
            try:
                await client.open(self._node.paths.agent_socket)
            except OSError:
                await asyncio.sleep(_PAUSE)
                continue
            client.events = self.events
            old, self._client = self._client, client
            if old is not None:
                await old.close()
            with contextlib.suppress(Cut):
                await _unless_cut(client, client.hello())
                assert client.node is not None
                after = self.events[-1].n if self.events else 0
                subscribed = await _unless_cut(client, client.subscribe(client.node.node.store, after))
                assert not subscribed.reset
                self.connections += 1
                self._is_up.set()
            await _closed(client)
            self._is_up.clear()


async def _closed(client: Client) -> None:
    while not client.is_closed:  # noqa: ASYNC110 - a plain client has no event for it
        await asyncio.sleep(_PAUSE)


async def _unless_cut(client: Client, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; raises Cut as soon as the connection has ended."""
    task, cut = asyncio.ensure_future(work), asyncio.ensure_future(_closed(client))
    try:
        await asyncio.wait({task, cut}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Cut
    finally:
        for waiting in (task, cut):
            waiting.cancel()
        await asyncio.gather(task, cut, return_exceptions=True)


@contextlib.asynccontextmanager
async def steady_client(node: Node) -> AsyncIterator[SteadyClient]:
    """A steady client for the length of the block."""
    client = SteadyClient(node)
    try:
        yield client
    finally:
        await client.close()
