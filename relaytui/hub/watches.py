"""Which screens of one node are wanted, and the streams that bring them: wants outlive links, streams do not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import SessionId
from relaytui.link.client import NodeClient
from relaytui.link.errors import LinkError
from relaytui.link.streams import ScreenStream
from relaytui.link.tasks import cancel, spawn


class Watches:
    """Keeps streams equal to wants. `on_delta(session, delta)` takes in what comes."""

    def __init__(self, node: str, on_delta: Callable[[SessionId, dict[str, Any]], None]) -> None:
        self._on_delta = on_delta
        self._client: NodeClient | None = None
        self._wanted: dict[SessionId, float] = {}
        self._open: dict[SessionId, tuple[ScreenStream, float]] = {}
        self._refused: set[SessionId] = set()
        self._changed = asyncio.Event()
        self._task = spawn(self._run(), name=f"{node} watches")

    def want(self, session: SessionId, interval: float) -> None:
        """Have this screen at most every `interval` seconds; again with another interval to change it."""
        self._wanted[session] = interval
        self._changed.set()

    def unwant(self, session: SessionId) -> None:
        self._wanted.pop(session, None)
        self._refused.discard(session)
        self._changed.set()

    def link_up(self, client: NodeClient) -> None:
        """All streams are to be opened anew on `client`."""
        self._client = client
        self._open.clear()
        self._refused.clear()
        self._changed.set()

    async def stop(self) -> None:
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            client = self._client
            if client is None or client.is_closed:
                continue
            # All is read and noted here at once: wants and link may change while the requests are on their way.
            missing = self._wanted.keys() - self._open.keys() - self._refused
            extra = self._open.keys() - self._wanted.keys()
            tuned = [s for s, (_, interval) in self._open.items() if self._wanted.get(s, interval) != interval]
            closing = [self._open.pop(session)[0] for session in extra]
            for session in tuned:
                self._open[session] = (self._open[session][0], self._wanted[session])
            await asyncio.gather(
                *(self._start(client, session, self._wanted[session]) for session in missing),
                *(stream.close() for stream in closing),
                *(self._tune(*self._open[session]) for session in tuned),
            )

    async def _start(self, client: NodeClient, session: SessionId, interval: float) -> None:
        try:
            stream = await client.watch_screen(
                session, lambda _, delta: self._on_delta(session, delta), interval=interval
            )
        except RequestError:
            self._refused.add(session)  # it has just ended or gone: a notice says so
        except LinkError:
            if client is self._client and not client.is_closed:
                self._changed.set()  # it only stalled; a link that ended is followed by another
        else:
            if client is self._client:
                self._open[session] = (stream, interval)
                self._changed.set()  # what was wanted may have changed meanwhile

    async def _tune(self, stream: ScreenStream, interval: float) -> None:
        try:
            await stream.tune(interval)
        except (LinkError, RequestError):
            pass  # the pace is a wish
