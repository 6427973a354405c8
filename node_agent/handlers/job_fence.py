"""`job.fence`: accept no more starts of an attempt, and say whether there was one."""

from __future__ import annotations

from node_agent.core.job_starts import is_job_id
from node_agent.handlers.context import Context
from node_agent.io.connection import Connection
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.jobs import Fenced, FenceJob


async def handle(context: Context, client: Connection, request: FenceJob) -> Fenced:
    if not is_job_id(request.job):
        raise RequestError(ErrorCode.BAD_REQUEST, f"{request.job!r} is no job's id")
    async with context.jobs.turn(request.job):
        return await context.jobs.fence(request.job, request.token)
