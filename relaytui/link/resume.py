"""A session's output over every cut: reopened where the last byte was taken in, with the cut and the return told.

Nothing is sent twice and nothing is left out, but for gaps that the node marks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from node_agent.protocol.streams import OpenBytes
from relaytui.link.errors import LinkError
from relaytui.link.streams import ByteItem, ByteStream

if TYPE_CHECKING:
    from relaytui.link.supervisor import NodeLink

_PAUSE = 0.5
"""Seconds between tries to reopen while the link itself is up."""


@dataclass(frozen=True)
class Interrupted:
    """The link is cut; nothing comes until `Resumed`. What is typed meanwhile is the caller's to discard."""

    reason: str


@dataclass(frozen=True)
class Resumed:
    """A new stream is open and goes on at `offset`."""

    offset: int


FeedItem = ByteItem | Interrupted | Resumed


class ByteFeed:
    """`async for item in feed` until the node ends the stream; raises RequestError when it refuses to open one.

    All its streams are one attach, so that the right to type goes on over a cut that the node has not noticed.
    `stream` is the open stream, None during a cut: input goes there. `end_reason` is set at the end.
    """

    def __init__(self, link: NodeLink, request: OpenBytes) -> None:
        self.stream: ByteStream | None = None
        self.offset: int | None = request.offset
        self.end_reason = ""
        self._link = link
        self._request = replace(request, attach=request.attach or secrets.token_hex(8))
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[FeedItem]:
        was_cut = False
        while not self._is_closed:
            try:
                self.stream = stream = await self._link.open_bytes(replace(self._request, offset=self.offset))
                if was_cut:
                    yield Resumed(stream.opened.offset)
                    was_cut = False
                async for item in stream:
                    self.offset = stream.offset
                    yield item
            except LinkError as error:
                self.stream = None
                if was_cut:
                    await asyncio.sleep(_PAUSE)
                else:
                    was_cut = True
                    yield Interrupted(str(error))
                await self._link.wait_up()
                continue
            self.end_reason = stream.end_reason or ""
            return

    async def close(self) -> None:
        """End the stream; iteration stops."""
        self._is_closed = True
        if self.stream is not None:
            await self.stream.close()
