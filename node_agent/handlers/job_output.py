"""`job.output`: the values an attempt wrote for the jobs that need it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from node_agent.core.job_starts import is_job_id
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.io.jobs import OUTPUT_LIMIT
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.jobs import JobOutput, ReadJobOutput


async def handle(context: Context, client: Connection, request: ReadJobOutput) -> JobOutput:
    if not is_job_id(request.job):
        raise RequestError(ErrorCode.BAD_REQUEST, f"{request.job!r} is no job's id")
    path = context.jobs.output_file(request.job, request.token)
    return JobOutput(await asyncio.get_running_loop().run_in_executor(None, _read, path))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(OUTPUT_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
