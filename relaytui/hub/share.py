"""Lends the hub's links to consoles, attached terminals and commands of this machine over a unix socket."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from relaytui.config.paths import writing_state
from relaytui.hub.core import Core
from relaytui.hub.place import prepare
from relaytui.link.duplex import Duplex, Reader, Writer
from relaytui.link.errors import LinkError
from relaytui.link.shared import HELLO, LINE_LIMIT, STATUS, fingerprint
from relaytui.link.tasks import cancel, spawn

_CHUNK = 64 * 1024
_HELLO_SECONDS = 5.0
_MOST_STREAMS = 100


class LinkShare:
    """Serves `path` from `start` to `stop`."""

    def __init__(self, core: Core, path: Path) -> None:
        self._core = core
        self._path = path
        self._server: asyncio.Server | None = None
        self._streams: set[asyncio.Task[None]] = set()
        self._lent = 0

    async def start(self) -> None:
        """Listen. The hub's lock is held, so that a socket that is there is a dead hub's. Raises ConfigError."""
        with writing_state(self._path):
            prepare(self._path.parent)
            self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, str(self._path), limit=LINE_LIMIT)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await cancel(*self._streams)
        self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._streams) >= _MOST_STREAMS:
            writer.close()
            return
        task = spawn(self._serve(reader, writer), name="shared link")
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                line = (await reader.readline()).decode("utf-8", "replace").strip()
                duplex = await self._open(line, writer)
            if duplex is not None:
                self._lent += 1
                try:
                    await _splice(Duplex(reader, writer), duplex)
                finally:
                    self._lent -= 1
        except (OSError, TimeoutError, LinkError, ValueError):
            pass  # whoever asked sees the end of the stream, and goes another way
        finally:
            writer.close()

    async def _open(self, line: str, writer: asyncio.StreamWriter) -> Duplex | None:
        if line == STATUS:
            writer.write(json.dumps(self.status()).encode() + b"\n")
            await writer.drain()
            return None
        try:
            duplex = await self._core.open_beside(self._alias(line))
        except LinkError as error:
            writer.write(f"{error}\n".encode())
            await writer.drain()
            return None
        writer.write(b"ok\n")
        return duplex

    def _alias(self, line: str) -> str:
        """The alias that is asked for, where it means the same to both; raises ValueError."""
        if not line.startswith(f"{HELLO} "):
            raise ValueError("not a client of ours")
        alias, _, mark = line.removeprefix(f"{HELLO} ").partition(" ")
        for node in self._core.config.nodes:
            if node.alias == alias and fingerprint(node) == mark:
                return alias
        raise ValueError(f"{alias} is another node here")

    def status(self) -> dict[str, Any]:
        """What `relaytui hub status` prints."""
        fleet, now = self._core.fleet, self._core.now()
        return {
            "pid": os.getpid(),
            "shared": self._lent,
            "nodes": [
                {"name": node.alias, "state": node.status.state.value, "words": node.status.words(now)}
                for node in fleet.nodes.values()
            ],
        }


async def _splice(one: Duplex, other: Duplex) -> None:
    """Copy both ways until either side ends."""
    ways = [
        spawn(_copy(one.reader, other.writer), name="shared link up"),
        spawn(_copy(other.reader, one.writer), name="shared link down"),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(*ways)
        await other.close()


async def _copy(reader: Reader, writer: Writer) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the end of either side is the end of both
