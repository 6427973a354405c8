"""Keeps the end of what attempts print in the queue, for when their sessions and nodes are gone.

These are the lines that `relaytui logs` shows of the session, so far as its node keeps them in its history.
"""

from __future__ import annotations

import logging

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import RequestError
from node_agent.protocol.logs import LogLines, ReadLogs
from relaytui.hub.core import Core
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.transfers import AskQueue

MOST_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


async def keep_output(core: Core, queue: JobQueue, ask: AskQueue, job: Job, session: SessionInfo, now: float) -> None:
    """Keep the last `MOST_BYTES` of the lines of an attempt that ended. Raises a LinkError or QueueError.

    A node that has none, or refuses them, holds up no result.
    """
    try:
        lines = await _lines(core, job, session)
    except RequestError as error:
        _log.info("job %s: its output is not kept: %s", job.id, error)
        return
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    if len(data) > MOST_BYTES:
        data = data[-MOST_BYTES:].partition(b"\n")[2]
    await ask(queue.keep_output, job.id, job.token, data, now)


async def _lines(core: Core, job: Job, session: SessionInfo) -> tuple[str, ...]:
    """What the session shows and scrolled off, waiting for a screen that is behind as long as it comes nearer."""
    reached = -1
    while True:
        reply: LogLines = await core.request(job.node, ReadLogs(session.id))
        if reply.offset >= session.head or reply.offset <= reached:
            return reply.lines
        reached = reply.offset


def kept_output(queue: JobQueue, job: str, token: int) -> list[str] | None:
    """The lines that were kept of an attempt, None where none are."""
    data = queue.output(job, token)
    return None if data is None else data.decode("utf-8", "replace").split("\n")[:-1]
