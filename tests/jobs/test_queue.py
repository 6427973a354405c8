"""Every backend of the queue: order, fencing, claims, ends, events."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relaytui.hub.jobs.model import JobSpec, Transfer
from relaytui.hub.jobs.queue import CLAIM_SECONDS, JobQueue, NoSuchJob, QueueError
from relaytui.hub.jobs.states import ATTEMPTING, FINAL, TRANSITIONS, ForbiddenTransition, JobState

SPEC = JobSpec(command=("make", "-j8"), title="build", requires="mem>=1G", fetch=(Transfer("a", "b"),), tags=("ci",))


def placed(queue: JobQueue, spec: JobSpec = SPEC, now: float = 100.0) -> tuple[str, int]:
    job = queue.submit(spec, now)
    attempt = queue.place(job.id, "gpu-box", "hub-1", now)
    assert attempt is not None
    return job.id, attempt.token


def test_a_job_comes_back_as_submitted(queue: JobQueue) -> None:
    job = queue.submit(SPEC, 100.0)
    assert queue.get(job.id).spec == SPEC
    assert job.state is JobState.QUEUED


def test_ready_jobs_come_by_priority_then_by_age(queue: JobQueue) -> None:
    first = queue.submit(SPEC, 1.0)
    second = queue.submit(SPEC, 2.0)
    urgent = queue.submit(JobSpec(command=("x",), priority=5), 3.0)
    assert [job.id for job in queue.ready(4.0)] == [urgent.id, first.id, second.id]


def test_a_job_waits_for_those_it_needs(queue: JobQueue) -> None:
    need, token = placed(queue)
    after = queue.submit(JobSpec(command=("x",), after=(need,)), 101.0)
    assert queue.ready(102.0) == []
    queue.advance(need, token, JobState.STARTING, 102.0)
    queue.advance(need, token, JobState.DONE, 103.0, code=0)
    assert [job.id for job in queue.ready(104.0)] == [after.id]


def test_a_job_whose_need_failed_fails_and_says_so(queue: JobQueue) -> None:
    need, token = placed(queue)
    after = queue.submit(JobSpec(command=("x",), after=(need,)), 101.0)
    queue.advance(need, token, JobState.FAILED, 102.0)
    assert [job.id for job in queue.expire(103.0)] == [after.id]
    assert queue.get(after.id).reason == f"needs job {need}, which is failed"


def test_one_of_two_dispatchers_places_a_job(queue: JobQueue) -> None:
    job = queue.submit(SPEC, 1.0)
    assert queue.place(job.id, "a", "hub-1", 2.0) is not None
    assert queue.place(job.id, "b", "hub-2", 2.0) is None
    assert queue.get(job.id).node == "a"


def test_a_node_takes_no_more_jobs_than_it_has_slots_for(queue: JobQueue) -> None:
    jobs = [queue.submit(SPEC, 1.0).id for _ in range(4)]
    first, second, third = (queue.place(job, "a", "hub", 2.0, slots=2) for job in jobs[:3])
    assert first is not None
    assert second is not None
    assert third is None
    assert queue.get(jobs[2]).state is JobState.QUEUED
    assert queue.place(jobs[2], "b", "hub", 2.0, slots=2) is not None
    queue.advance(first.id, first.token, JobState.CANCELLED, 3.0)
    assert queue.place(jobs[3], "a", "hub", 4.0, slots=2) is not None


def test_an_exclusive_tag_is_held_by_one_job_of_a_node(queue: JobQueue) -> None:
    port, both, other = (
        queue.submit(JobSpec(command=("x",), exclusive=tags), 1.0).id
        for tags in (("port",), ("port", "disk"), ("gpu",))
    )
    holder = queue.place(port, "a", "hub", 2.0)
    assert holder is not None
    assert queue.place(both, "a", "hub", 2.0) is None
    assert queue.place(other, "a", "hub", 2.0) is not None
    queue.advance(port, holder.token, JobState.CANCELLED, 3.0)
    assert queue.place(both, "a", "hub", 4.0) is not None


def test_racing_hubs_never_overfill_a_node(queue: JobQueue, another: Callable[[], JobQueue]) -> None:
    """Each hub sees room when it looks; only the queue knows what the others do at the same moment."""
    hubs, slots, rounds = [queue, another(), another()], 2, 10
    tags = [("one",), ("one",), ("two",)]
    names = [[queue.submit(JobSpec(command=("x",), exclusive=held), 1.0).id for held in tags] for _ in range(rounds)]
    together = threading.Barrier(len(hubs))

    def race(number: int) -> int:
        won, hub = 0, hubs[number]
        for turn in range(rounds):
            together.wait(30.0)
            mine = hub.place(names[turn][(number + turn) % 3], "a", f"hub {number}", 2.0, slots=slots)
            together.wait(30.0)
            here = [tag for job in hub.jobs(sorted(ATTEMPTING)) for tag in job.spec.exclusive]
            assert 0 < len(here) == len(set(here)) <= slots
            together.wait(30.0)
            if mine is not None:
                won += hub.advance(mine.id, mine.token, JobState.CANCELLED, 3.0)
        return won

    with ThreadPoolExecutor(len(hubs)) as pool:
        won = list(pool.map(race, range(len(hubs))))
    assert sum(won) == rounds * slots


def test_an_outdated_token_changes_nothing(queue: JobQueue) -> None:
    job, old = placed(queue)
    assert queue.requeue(job, old, 101.0, 0.0, "node lost before it started")
    again = queue.place(job, "build-1", "hub-1", 102.0)
    assert again is not None
    assert again.token > old
    assert not queue.advance(job, old, JobState.FAILED, 103.0)
    assert not queue.requeue(job, old, 103.0, 0.0, "")
    assert queue.get(job).state is JobState.PLACED


def test_a_result_is_final(queue: JobQueue) -> None:
    job, token = placed(queue)
    assert queue.advance(job, token, JobState.STARTING, 101.0)
    assert queue.advance(job, token, JobState.RUNNING, 102.0, session="a3")
    assert queue.advance(job, token, JobState.DONE, 110.0, code=0, waited=2.5)
    assert not queue.advance(job, token, JobState.FAILED, 111.0, code=1)
    assert not queue.requeue(job, token, 111.0, 0.0, "")
    end = queue.get(job)
    assert (end.state, end.code, end.waited, end.session, end.started, end.ended) == (
        JobState.DONE,
        0,
        2.5,
        "a3",
        102.0,
        110.0,
    )


def test_a_forbidden_step_is_refused_and_changes_nothing(queue: JobQueue) -> None:
    job, token = placed(queue)
    with pytest.raises(ForbiddenTransition):
        queue.advance(job, token, JobState.DONE, 101.0)
    assert queue.get(job).state is JobState.PLACED


def test_a_claim_that_ran_out_is_adopted_with_its_token(queue: JobQueue) -> None:
    job, token = placed(queue, now=100.0)
    assert queue.adopt("hub-2", 100.0 + CLAIM_SECONDS - 1) == []
    assert queue.renew("hub-1", 110.0) == 1
    assert queue.adopt("hub-2", 100.0 + CLAIM_SECONDS + 1) == []
    adopted = queue.adopt("hub-2", 111.0 + CLAIM_SECONDS)
    assert [(each.id, each.token, each.holder) for each in adopted] == [(job, token, "hub-2")]
    assert queue.held("hub-1") == []
    assert queue.renew("hub-1", 130.0) == 0


def test_cancelling_a_queued_job_ends_it_and_a_running_one_is_asked_to_end(queue: JobQueue) -> None:
    waiting = queue.submit(SPEC, 1.0)
    assert queue.cancel(waiting.id, 2.0).state is JobState.CANCELLED
    job, token = placed(queue)
    asked = queue.cancel(job, 101.0)
    assert (asked.state, asked.cancel_asked) == (JobState.PLACED, True)
    assert queue.advance(job, token, JobState.CANCELLED, 102.0)
    assert queue.cancel(job, 103.0).state is JobState.CANCELLED


def test_a_job_not_placed_in_time_expires(queue: JobQueue) -> None:
    job = queue.submit(JobSpec(command=("x",), queue_limit=60.0), 100.0)
    assert queue.expire(159.0) == []
    assert [each.id for each in queue.expire(161.0)] == [job.id]
    assert queue.get(job.id).reason == "not placed within 60 s"


def test_retry_submits_a_copy_of_an_ended_job_only(queue: JobQueue) -> None:
    job, token = placed(queue)
    with pytest.raises(QueueError, match="is placed"):
        queue.retry(job, 101.0)
    queue.advance(job, token, JobState.LOST, 102.0)
    copy = queue.retry(job, 103.0)
    assert copy.id != job
    assert copy.spec == SPEC


def test_attempts_are_kept_with_their_outcome(queue: JobQueue) -> None:
    job, token = placed(queue)
    queue.requeue(job, token, 101.0, 0.0, "node lost before it started")
    again = queue.place(job, "build-1", "hub-1", 102.0)
    assert again is not None
    queue.advance(job, again.token, JobState.STARTING, 103.0, session="b7")
    queue.advance(job, again.token, JobState.FAILED, 104.0, code=3)
    assert [(a.attempt, a.node, a.session, a.outcome, a.code) for a in queue.attempts(job)] == [
        (1, "gpu-box", "", "requeued", None),
        (2, "build-1", "b7", "failed", 3),
    ]


def test_unknown_jobs_are_named(queue: JobQueue) -> None:
    with pytest.raises(NoSuchJob, match="'nope'"):
        queue.get("nope")
    with pytest.raises(NoSuchJob, match="'nope'"):
        queue.submit(JobSpec(command=("x",), after=("nope",)), 1.0)
    assert queue.jobs() == []


def test_a_backoff_holds_a_job_back(queue: JobQueue) -> None:
    job, token = placed(queue)
    queue.requeue(job, token, 101.0, 140.0, "exit status 1, next attempt in 39 s")
    assert queue.ready(139.0) == []
    assert [each.id for each in queue.ready(140.0)] == [job]


def test_waiting_ends_with_a_change_of_this_process(queue: JobQueue) -> None:
    queue.wait(0.0)
    assert not queue.wait(0.0)
    submitted = threading.Thread(target=queue.submit, args=(SPEC, 1.0))
    submitted.start()
    try:
        assert queue.wait(30.0)
    finally:
        submitted.join()


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.sampled_from(JobState), st.booleans()),
        st.tuples(st.just("requeue"), st.just(JobState.QUEUED), st.booleans()),
        st.tuples(st.just("place"), st.just(JobState.PLACED), st.just(True)),
        st.tuples(st.just("cancel"), st.just(JobState.CANCELLED), st.just(True)),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(_steps)
def test_whatever_is_asked_events_are_steps_of_the_table_and_at_most_one_result(
    queue: JobQueue, steps: list[tuple[str, JobState, bool]]
) -> None:
    job = queue.submit(SPEC, 1.0).id
    tokens = [0]
    for now, (action, state, current) in enumerate(steps, start=2):
        token = queue.get(job).token if current else min(tokens) - 1
        try:
            match action:
                case "advance":
                    moved = queue.advance(job, token, state, float(now))
                    assert current or not moved
                case "requeue":
                    queue.requeue(job, token, float(now), 0.0, "")
                case "place":
                    attempt = queue.place(job, "n", "h", float(now))
                    assert attempt is None or attempt.token > max(tokens)
                    tokens += [attempt.token] if attempt else []
                case _:
                    queue.cancel(job, float(now))
        except ForbiddenTransition:
            pass
    states = [event.state for event in queue.events(job=job) if event.detail != "asked to cancel"]
    assert all(after in TRANSITIONS[before] for before, after in itertools.pairwise(states))
    assert sum(state in FINAL for state in states) <= 1
    assert queue.get(job).state is states[-1]


def test_what_attempts_printed_is_kept_by_attempt_until_it_is_old(queue: JobQueue) -> None:
    job, token = placed(queue)
    for data in (b"first\n", b"again\n"):  # the first to be kept counts, however often its keeping is repeated
        queue.keep_output(job, token, data, 101.0)
    queue.requeue(job, token, 101.0, 0.0, "exit code 1")
    again = queue.place(job, "build-1", "hub-1", 102.0)
    assert again is not None
    assert queue.output(job, again.token) is None
    queue.keep_output(job, again.token, b"", 103.0)
    queue.advance(job, again.token, JobState.CANCELLED, 103.0)
    assert [queue.output(job, each) for each in (token, again.token)] == [b"first\n", b""]
    assert queue.files(job) == []
    queue.drop_contents(104.0, 104.0 + 2 * 86400.0)
    assert [queue.output(job, each) for each in (token, again.token)] == [None, None]
    queue.keep_output(job, again.token, b"", 105.0 + 2 * 86400.0)
    assert queue.output(job, again.token) == b""
