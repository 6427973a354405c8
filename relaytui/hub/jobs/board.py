"""The queue for a console: every call is made in a thread of its own, and nothing is read while nothing changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from relaytui.config import Config, state_dir
from relaytui.fleet.model import Fleet
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.offers import DEFAULT_SLOTS, offer_of, placement_of
from relaytui.hub.jobs.placement import NodeVerdict
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.service import ensure_dispatcher, open_queue
from relaytui.hub.jobs.states import ATTEMPTING, FINAL, JobState
from relaytui.hub.jobs.story import JobStory

T = TypeVar("T")

MOST_ENDED = 200
"""Ended jobs that are shown: older ones are for `relaytui job ls`."""


class QueueBoard:
    """Opens the queue when it is first asked for something that may be there."""

    def __init__(self, config: Config, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._config = config
        self._fleet = fleet
        self._clock = clock
        self._slots: Mapping[str, int] = {node.alias: node.slots for node in config.nodes if node.slots}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._queue: JobQueue | None = None
        self._jobs: Sequence[Job] = ()
        self._is_known = False

    async def jobs(self) -> Sequence[Job]:
        return await self._run(self._read_jobs)

    async def story(self, job: str) -> JobStory:
        return await self._run(lambda: self._read_story(job))

    async def cancel(self, job: str) -> Job:
        return await self._run(lambda: self._change(lambda queue: queue.cancel(job, time.time())))

    async def retry(self, job: str) -> Job:
        return await self._run(lambda: self._change(lambda queue: queue.retry(job, time.time())))

    def close(self) -> None:
        """Give the queue back; waits for the call that is under way."""
        self._thread.shutdown(cancel_futures=True)
        if self._queue is not None:
            self._queue.close()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _opened(self) -> JobQueue:
        if self._queue is None:
            self._queue = open_queue(self._config)
        return self._queue

    def _read_jobs(self) -> Sequence[Job]:
        if self._queue is None and not self._config.jobs.queue and not (state_dir() / "jobs" / "queue.db").exists():
            return self._jobs  # looking does not make a queue
        queue = self._opened()
        if queue.wait(0.0) or not self._is_known:
            self._is_known = True
            open_jobs = queue.jobs(sorted(set(JobState) - FINAL))
            self._jobs = [*open_jobs, *queue.jobs(sorted(FINAL), MOST_ENDED)]
        return self._jobs

    def _read_story(self, name: str) -> JobStory:
        queue = self._opened()
        job = queue.get(name)
        return JobStory(
            job,
            queue.attempts(name),
            queue.events(job=name),
            self._reasons(queue, job),
            self._verdicts(queue, job),
        )

    def _reasons(self, queue: JobQueue, job: Job) -> Sequence[str]:
        if job.state is not JobState.QUEUED:
            return [job.reason] if job.reason else []
        needs = [queue.get(need) for need in job.spec.after]
        unmet = [f"needs job {need.id}, which is {need.state}" for need in needs if need.state is not JobState.DONE]
        later = job.not_before - time.time()
        return [*unmet, f"tried again in {later:.0f} s: {job.reason}"] if later > 0 else unmet

    def _verdicts(self, queue: JobQueue, job: Job) -> Sequence[NodeVerdict]:
        """Why each node does not run it, as a dispatcher on this machine would judge."""
        if job.state is not JobState.QUEUED:
            return ()
        attempts, now = queue.jobs(sorted(ATTEMPTING)), self._clock()
        nodes = [view for view in list(self._fleet.nodes.values()) if not view.duplicate_of]
        offers = [offer_of(view, self._slots.get(view.alias, DEFAULT_SLOTS), attempts, now) for view in nodes]
        return placement_of(job.spec, offers).verdicts

    def _change(self, change: Callable[[JobQueue], Job]) -> Job:
        job = change(self._opened())
        self._is_known = False
        ensure_dispatcher()
        return job
