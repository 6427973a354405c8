"""Carries the files of an attempt: from the queue to its node before the start, and what it left back into the queue.

Everything may be done again from its beginning: a file appears on the node whole or not at all and not any more once
the attempt runs, and contents in the queue are named by their hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, BinaryIO, Protocol

from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.files import MOST_BYTES, FileOpened, GetFile, PutFile
from node_agent.protocol.frames import MAX_BYTES_FRAME
from relaytui.hub.core import Core
from relaytui.hub.jobs.model import Direction, Job, Transfer
from relaytui.hub.jobs.queue import PIECE, ContentGone, JobQueue
from relaytui.link.errors import LinkLost
from relaytui.link.streams import ByteStream, Output

_MOST_UNCONFIRMED = 16
_SECONDS = 60.0
"""Without any progress for so long, a transfer is begun anew."""

_MOST_READS = 3
_OUTSIDE_THE_JOB = frozenset({ErrorCode.BUSY, ErrorCode.KEEPER_GONE, ErrorCode.INTERNAL, ErrorCode.CWD_HANGS})
"""Refusals of a file that may go away by themselves."""


class AskQueue(Protocol):
    """Calls the queue in its own thread."""

    def __call__(self, call: Callable[..., Any], *values: Any) -> Awaitable[Any]: ...


class Transfers:
    """The files of the jobs that one dispatcher holds."""

    def __init__(self, core: Core, queue: JobQueue, ask: AskQueue) -> None:
        self._core = core
        self._queue = queue
        self._ask = ask

    async def send(self, job: Job) -> None:
        """Place what the job needs on its node. Raises ContentGone, RequestError or a LinkError."""
        for file in [*job.spec.send, *await self._inputs(job)]:
            put = PutFile(
                job.id, job.token, file.remote, file.size, file.sha256, file.executable, directory=job.spec.cwd
            )
            opened, stream = await self._core.open_file(job.node, put)
            if opened.stream:
                try:
                    await self._write(stream, file)
                finally:
                    await stream.close()

    async def _inputs(self, job: Job) -> list[Transfer]:
        """What the jobs it needs brought back for it."""
        wanted = {tuple(word.partition(":")[::2]) for word in job.spec.inputs}
        found: dict[tuple[str, ...], Transfer] = {}
        for name in job.spec.after if wanted else ():
            need = await self._ask(self._queue.get, name)
            for kept in await self._ask(self._queue.files, name):
                if kept.direction is Direction.FETCH and kept.token == need.token:
                    found[need.spec.step, kept.file.remote] = kept.file
        if missing := wanted - found.keys():
            step, path = min(missing)
            raise ContentGone(f"step {step!r} left no file {path}")
        return [found[each] for each in sorted(wanted)]

    async def _write(self, stream: ByteStream, file: Transfer) -> None:
        unconfirmed: deque[asyncio.Future[None]] = deque()
        async for data in self._frames(file):
            unconfirmed.append(stream.send(data))
            while len(unconfirmed) >= _MOST_UNCONFIRMED:
                await _in_time(unconfirmed.popleft())
        while unconfirmed:
            await _in_time(unconfirmed.popleft())

    async def _frames(self, file: Transfer) -> AsyncIterator[bytes]:
        """The content in pieces of a frame each; an empty file has one that is empty."""
        for number in range(max(1, -(-file.size // PIECE))):
            piece: bytes = await self._ask(self._queue.piece, file.sha256, number)
            for at in range(0, max(1, len(piece)), MAX_BYTES_FRAME):
                yield piece[at : at + MAX_BYTES_FRAME]

    async def fetch(self, job: Job) -> list[str]:
        """Bring back what the attempt was to leave; for each file that cannot be had, why. Raises a LinkError."""
        lacking = []
        for file in job.spec.fetch:
            try:
                await self._fetch(job, file)
            except RequestError as error:
                if error.code in _OUTSIDE_THE_JOB:
                    raise LinkLost(f"{job.node}: {error.message}") from error
                lacking.append(error.message)
        return lacking

    async def _fetch(self, job: Job, file: Transfer) -> None:
        get = GetFile(job.id, job.token, file.remote, job.spec.cwd)
        with tempfile.TemporaryFile() as content:
            for _ in range(_MOST_READS):
                opened, stream = await self._core.open_file(job.node, get)
                try:
                    is_whole = await _read(opened, stream, content)
                finally:
                    await stream.close()
                if is_whole:
                    break
            else:
                raise RequestError(ErrorCode.BAD_REQUEST, f"{file.remote} changes while it is read")
            await self._store(opened, content)
        found = replace(file, sha256=opened.sha256, size=opened.head, executable=opened.executable)
        await self._ask(self._queue.keep_file, job.id, job.token, Direction.FETCH, found, time.time())

    async def _store(self, opened: FileOpened, content: BinaryIO) -> None:
        if not await self._ask(self._queue.begin_content, opened.sha256, opened.head, time.time()):
            return
        content.seek(0)
        for number, piece in enumerate(pieces_of(content)):
            await self._ask(self._queue.add_piece, opened.sha256, number, piece)
        await self._ask(self._queue.finish_content, opened.sha256)


def pieces_of(content: BinaryIO) -> Iterable[bytes]:
    """The pieces in which a queue stores a content."""
    while piece := content.read(PIECE):
        yield piece


async def _read(opened: FileOpened, stream: ByteStream, content: BinaryIO) -> bool:
    """Read a file from its node, which is not believed; whether it is whole and the one that was announced."""
    if opened.head > MOST_BYTES:
        raise RequestError(
            ErrorCode.BAD_REQUEST, f"the node offers {opened.head} bytes, {MOST_BYTES} at most are taken"
        )
    content.seek(0)
    content.truncate()
    digest, items = hashlib.sha256(), aiter(stream)
    while stream.offset < opened.head:
        before = stream.offset
        try:
            item = await _in_time(anext(items))
        except StopAsyncIteration:
            return False
        if not isinstance(item, Output) or item.offset != before or item.end > opened.head:
            return False
        digest.update(item.data)
        await asyncio.to_thread(content.write, item.data)
    return digest.hexdigest() == opened.sha256


async def _in_time(work: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_SECONDS):
            return await work
    except TimeoutError:
        raise LinkLost(f"a file made no progress for {_SECONDS:.0f} s") from None
