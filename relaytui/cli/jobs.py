"""What commands about jobs share: the queue, finding a job, waiting for its end, and how jobs are printed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.output import age, narrate
from relaytui.config import load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.model import Job, JobSpec
    from relaytui.hub.jobs.queue import JobQueue

HEADINGS = ("ID", "STATE", "FOR", "NODE", "TITLE", "NOTE")
_SYMBOLS = {
    "queued": "·",
    "placed": "·",
    "starting": "·",
    "running": "▶",
    "asking": "◆",
    "done": "✓",
    "failed": "✗",
    "cancelled": "✗",
    "lost": "↯",
    "expired": "✗",
}


@contextmanager
def opened_queue(*, dispatched: bool = False) -> Iterator[JobQueue]:
    """The operator's queue; with `dispatched` a process is seen to that works on it. Raises QueueError."""
    from relaytui.hub.jobs.service import ensure_dispatcher, open_queue  # SQLite and links take their time to import

    queue = open_queue(load_config())
    try:
        yield queue
        if dispatched:
            ensure_dispatcher()
    finally:
        queue.close()


def find_job(queue: JobQueue, word: str) -> Job:
    """The job whose id begins with `word`; raises NoSuchJob or CommandError."""
    from relaytui.hub.jobs.queue import NoSuchJob

    try:
        return queue.get(word)
    except NoSuchJob:
        found = [job for job in queue.jobs() if word and job.id.startswith(word)]
        if not found:
            raise
    if len(found) > 1:
        names = ", ".join(job.id for job in found[:8])
        raise CommandError(f"{word!r} may be {names}; write more of it", Exit.AMBIGUOUS_ID)
    return found[0]


def wait_for_jobs(queue: JobQueue, jobs: Iterable[str], timeout: float | None = None) -> list[Job]:
    """The jobs once all have ended, telling on stderr of each change; raises CommandError after `timeout` seconds."""
    waiting, ended, told = list(jobs), [], dict[str, str]()
    deadline = None if timeout is None else time.monotonic() + timeout
    while waiting:
        for name in list(waiting):
            job = queue.get(name)
            if told.get(name) != job.state:
                told[name] = job.state
                narrate(f"{name}: {job.state}{f' on {job.node}' if job.node else ''}{note_of(job)}")
            if job.is_final:
                waiting.remove(name)
                ended.append(job)
        left = 1.0 if deadline is None else min(1.0, deadline - time.monotonic())
        if waiting and left <= 0:
            raise CommandError(f"{', '.join(waiting)}: not ended within {timeout:g} s", Exit.TIMEOUT)
        if waiting:
            queue.wait(left)
    return ended


def note_of(job: Job) -> str:
    return f": {job.reason}" if job.reason else ""


def job_row(job: Job) -> tuple[str, ...]:
    """A job as a row under `HEADINGS`."""
    state = f"{_SYMBOLS[job.state]} {job.state}"
    return job.id, state, age(time.time() - job.changed), job.node, title_of(job.spec), job.reason


def title_of(spec: JobSpec) -> str:
    """What a job is called: its title, else its command or the first line of its script."""
    return spec.title or " ".join(spec.command) or spec.script.strip().partition("\n")[0]


def job_json(job: Job) -> dict[str, Any]:
    """A job as `--json` prints it; times are Unix seconds."""
    return {
        "id": job.id,
        "state": job.state.value,
        "title": title_of(job.spec),
        "command": list(job.spec.command),
        "script": job.spec.script,
        "requires": job.spec.requires,
        "node": job.node,
        "session": f"{job.node}/{job.session}" if job.session else "",
        "attempt": job.attempt,
        "submitted": job.submitted,
        "changed": job.changed,
        "started": job.started,
        "ended": job.ended,
        "code": job.code,
        "reason": job.reason,
        "waited": round(job.waited, 3),
        "outputs": job.outputs,
        "workflow": job.spec.workflow,
        "run": job.spec.run,
        "step": job.spec.step,
    }
