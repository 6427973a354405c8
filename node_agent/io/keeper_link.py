"""One connection to the keeper: requests out in the order of the calls, replies and notices in.

It must not know what is asked. When the keeper goes away every waiting call fails with KeeperGone and `closed` is set.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple, Union

from node_agent.io.channel import Channel
from node_agent.io.keeper_notices import Notice, parse_notice
from node_agent.keeper.control import PREAMBLE_SIZE, ControlError, FrameDecoder, agree, encode_frame, preamble


class KeeperError(Exception):
    """The keeper refused a request; `code` is a value of `Refused`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class KeeperGone(KeeperError):
    """There is no keeper at the other end (any more)."""

    def __init__(self, message: str) -> None:
        super().__init__("keeper_gone", message)


OnNotice = Callable[[Notice], None]
Reply = Tuple[Dict[str, Any], bytes]
Outcome = Union[Reply, KeeperError]


class KeeperLink:
    """A connection; made by `open`."""

    def __init__(self, on_notice: Optional[OnNotice]) -> None:
        self.closed = asyncio.Event()
        self._on_notice = on_notice
        self._channel = Channel()
        self._channel.received = self._received
        self._channel.lost = self._lost
        self._greeting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._early = b""  # of their preamble
        self._decoder = FrameDecoder()
        self._waiting: Dict[int, Callable[[Outcome], None]] = {}
        self._last = 0

    @classmethod
    async def open(cls, path: Path, on_notice: Optional[OnNotice], timeout: float) -> KeeperLink:
        """Connect within `timeout` seconds. Raises KeeperGone, and ControlError when versions do not meet."""
        link = cls(on_notice)
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.create_unix_connection(lambda: link._channel, str(path)), timeout)
        except (OSError, asyncio.TimeoutError) as error:
            raise KeeperGone(f"no keeper listens at {path}: {error}") from error
        try:
            link._channel.write(preamble())
            await asyncio.wait_for(link._greeting, timeout)
        except asyncio.TimeoutError as error:
            await link.close()
            raise KeeperGone(f"the keeper at {path} does not answer") from error
        except BaseException:  # cancelled, too: the caller has no link to close
            await link.close()
            raise
        return link

    async def close(self) -> None:
        """Leave; sessions go on."""
        self._fail(KeeperGone("the connection to the keeper was closed"))
        self._channel.close()
        await self._channel.ended.wait()

    def call(self, op: str, payload: bytes = b"", **fields: Any) -> asyncio.Future[Reply]:
        """Send a request now; the future is its reply, or fails with KeeperError."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if future.done():
                return
            if isinstance(outcome, KeeperError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.call_then(settle, op, payload, **fields)
        return future

    def call_then(self, done: Callable[[Outcome], None], op: str, payload: bytes = b"", **fields: Any) -> None:
        """Send a request now; `done` hears the outcome as soon as it arrives."""
        if self.closed.is_set():
            done(KeeperGone("the keeper is gone"))
            return
        self._last += 1
        frame = encode_frame({"op": op, "n": self._last, **fields}, payload)
        self._waiting[self._last] = done
        self._channel.write(frame)

    def _received(self, data: bytes) -> None:
        try:
            if not self._greeting.done():
                data = self._greet(data)
            for header, payload in self._decoder.feed(data):
                if "re" in header:
                    self._take_reply(header, payload)
                else:
                    self._take_notice(header)
        except ControlError as error:
            self._fail(KeeperGone(f"the connection to the keeper broke: {error}"))
            self._channel.abort()

    def _greet(self, data: bytes) -> bytes:
        """Take in the keeper's preamble; what came after it."""
        self._early += data
        if len(self._early) < PREAMBLE_SIZE:
            return b""
        data, self._early = self._early[PREAMBLE_SIZE:], self._early[:PREAMBLE_SIZE]
        try:
            agree(self._early)
        except ControlError as error:
            self._greeting.set_exception(error)
            raise
        self._greeting.set_result(None)
        return data

    def _take_reply(self, header: Dict[str, Any], payload: bytes) -> None:
        done = self._waiting.pop(header["re"], None)
        if done is None:
            return
        if "error" in header:
            done(KeeperError(header["error"], header.get("message", header["error"])))
        else:
            done((header, payload))

    def _take_notice(self, header: Dict[str, Any]) -> None:
        notice = parse_notice(header)
        if notice is not None and self._on_notice is not None:
            self._on_notice(notice)

    def _lost(self) -> None:
        if not self._greeting.done():
            self._greeting.set_exception(KeeperGone("the keeper has hung up without a word"))
        self._fail(KeeperGone("the keeper is gone"))

    def _fail(self, error: KeeperGone) -> None:
        self.closed.set()
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done(error)
