"""`file.get`: read a file that a job's attempt left."""

from __future__ import annotations

import asyncio
from pathlib import Path

from node_agent.handlers.context import Context
from node_agent.handlers.file_put import check_attempt
from node_agent.handlers.screen_watch import check_room
from node_agent.io.attempt_files import Outgoing, open_outgoing, place_of
from node_agent.io.connection import Connection
from node_agent.io.file_streams import FileSource
from node_agent.protocol.files import MOST_BYTES, FileOpened, GetFile

_LEAST_WINDOW = 64 * 1024


async def handle(context: Context, client: Connection, request: GetFile) -> FileOpened:
    check_attempt(request.job, request.token)
    check_room(client)
    jobs = context.jobs
    directory = await jobs.directory(request.job, request.token, request.directory)
    file = await asyncio.get_running_loop().run_in_executor(jobs.threads, _open, directory, request.path)
    offset = max(0, min(request.offset, file.size))
    stream = client.next_stream()
    source = FileSource(file, offset, max(request.window, _LEAST_WINDOW), jobs.threads, wake=client.wake)
    client.add_feed(source, stream)
    client.tasks.spawn(_carry(client, stream, source), name=f"send {request.path}")
    return FileOpened(stream, offset, file.size, sha256=file.sha256, executable=file.executable)


def _open(directory: Path, path: str) -> Outgoing:
    return open_outgoing(place_of(directory, path), MOST_BYTES)


async def _carry(client: Connection, stream: int, source: FileSource) -> None:
    client.end_stream(stream, await source.run())
