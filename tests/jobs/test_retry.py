"""Retrying a step goes on with the run: what failed only since it needed the step comes along, on every backend."""

from __future__ import annotations

import itertools

import pytest

from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.queue import JobQueue, QueueError
from relaytui.hub.jobs.states import JobState

_moments = itertools.count(100)


def submit(queue: JobQueue, step: str, *after: str) -> str:
    return queue.submit(JobSpec(command=(step,), workflow="w", run="r", step=step, after=after), next(_moments)).id


def end(queue: JobQueue, job: str, state: JobState) -> None:
    placed = queue.place(job, "node", "hub", next(_moments))
    assert placed is not None
    queue.advance(job, placed.token, JobState.STARTING, next(_moments))
    queue.advance(job, placed.token, state, next(_moments))


def settle(queue: JobQueue) -> None:
    while queue.expire(next(_moments)):
        pass


def queued(queue: JobQueue) -> dict[str, Job]:
    return {job.spec.step: job for job in queue.jobs([JobState.QUEUED])}


def latest(queue: JobQueue) -> dict[str, Job]:
    return {job.spec.step: job for job in reversed(queue.jobs())}


@pytest.mark.parametrize("is_noticed", [True, False])
def test_the_steps_that_needed_a_retried_one_come_after_their_copies(queue: JobQueue, is_noticed: bool) -> None:
    fetch = submit(queue, "fetch")
    build = submit(queue, "build", fetch)
    left, right = submit(queue, "left", build), submit(queue, "right", build)
    both = submit(queue, "both", left, right, fetch)
    end(queue, fetch, JobState.DONE)
    end(queue, build, JobState.FAILED)
    if is_noticed:
        settle(queue)
    copy = queue.retry(build, next(_moments))
    found = queued(queue)
    assert sorted(found) == ["both", "build", "left", "right"]
    assert found["build"].id == copy.id
    assert copy.spec.after == (fetch,)
    assert found["left"].spec.after == found["right"].spec.after == (copy.id,)
    assert found["both"].spec.after == (found["left"].id, found["right"].id, fetch)
    assert {queue.get(old).state for old in (build, left, right, both)} == {JobState.FAILED}
    for step in ("build", "left", "right", "both"):
        assert next(job.spec.step for job in queue.ready(next(_moments))) == step
        end(queue, found[step].id, JobState.DONE)
        settle(queue)
    assert {job.state for job in latest(queue).values()} == {JobState.DONE}


def test_of_two_failed_needs_each_is_retried_and_then_the_step_runs(queue: JobQueue) -> None:
    one, two = submit(queue, "one"), submit(queue, "two")
    submit(queue, "both", one, two)
    end(queue, one, JobState.FAILED)
    end(queue, two, JobState.LOST)
    settle(queue)
    again = queue.retry(one, next(_moments))
    settle(queue)
    assert latest(queue)["both"].reason == f"needs job {two}, which is lost"
    more = queue.retry(two, next(_moments))
    both = queued(queue)["both"]
    assert both.spec.after == (again.id, more.id)
    end(queue, again.id, JobState.DONE)
    end(queue, more.id, JobState.DONE)
    assert [job.id for job in queue.ready(next(_moments))] == [both.id]


def test_a_step_that_ended_by_itself_stays_and_comes_after_the_copy_when_it_is_retried(queue: JobQueue) -> None:
    need = submit(queue, "need")
    cancelled = submit(queue, "cancelled", need)
    queue.cancel(cancelled, next(_moments))
    end(queue, need, JobState.FAILED)
    with pytest.raises(QueueError, match=f"needs job {need}, which is failed; retry that one first"):
        queue.retry(cancelled, next(_moments))
    copy = queue.retry(need, next(_moments))
    assert sorted(queued(queue)) == ["need"]
    assert queue.retry(cancelled, next(_moments)).spec.after == (copy.id,)


def test_a_step_that_is_retried_twice_brings_what_needed_it_once(queue: JobQueue) -> None:
    need = submit(queue, "need")
    submit(queue, "after", need)
    end(queue, need, JobState.FAILED)
    first, second = queue.retry(need, next(_moments)), queue.retry(need, next(_moments))
    assert [job.spec.after for job in queue.jobs([JobState.QUEUED]) if job.spec.step == "after"] == [(first.id,)]
    end(queue, first.id, JobState.FAILED)
    assert queued(queue)["after"].spec.after == (first.id,)
    assert second.spec.after == ()
