"""`file.put`: place a file for a job's attempt before it starts."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

from node_agent.core.job_starts import is_job_id
from node_agent.handlers.context import Context
from node_agent.handlers.screen_watch import check_room
from node_agent.io.attempt_files import Incoming, place_of
from node_agent.io.connection import Connection
from node_agent.io.file_streams import FileSink
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.files import MOST_BYTES, FileOpened, PutFile

NOTHING_NEEDED = FileOpened(0)


async def handle(context: Context, client: Connection, request: PutFile) -> FileOpened:
    check_attempt(request.job, request.token)
    check_room(client)
    if not 0 <= request.size <= MOST_BYTES:
        raise RequestError(ErrorCode.BAD_REQUEST, f"{request.path}: at most {MOST_BYTES} bytes are carried; split it")
    jobs, loop = context.jobs, asyncio.get_running_loop()
    async with jobs.turn(request.job):
        if await jobs.admit(request.job, request.token) is not None:
            return NOTHING_NEEDED
    directory = await jobs.directory(request.job, request.token, request.directory)
    incoming = await loop.run_in_executor(jobs.threads, _begin, directory, request)

    async def settle() -> None:
        async with jobs.turn(request.job):  # an attempt that another dispatcher started meanwhile has its files
            if await jobs.admit(request.job, request.token) is None:
                await loop.run_in_executor(jobs.threads, incoming.settle)

    stream = client.next_stream()
    sink = FileSink(incoming, jobs.threads, settle=settle, ack=functools.partial(client.send_input_ack, stream))
    client.add_feed(sink, stream)
    client.tasks.spawn(_carry(client, stream, sink), name=f"take {request.path}")
    return FileOpened(stream, head=request.size)


def check_attempt(job: str, token: int) -> None:
    """Raise RequestError for what is no attempt."""
    if not (is_job_id(job) and token > 0):
        raise RequestError(ErrorCode.BAD_REQUEST, f"job {job!r} with token {token} is no attempt")


def _begin(directory: Path, request: PutFile) -> Incoming:
    place = place_of(directory, request.path)
    return Incoming(place, request.size, request.sha256, request.executable)


async def _carry(client: Connection, stream: int, sink: FileSink) -> None:
    client.end_stream(stream, await sink.run())
