"""What only the database backend can get wrong: lost connections, races between hubs, waking another process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.postgres import PostgresQueue
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.states import JobState

SPEC = JobSpec(command=("true",))


def cut_all_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def test_a_cut_connection_is_made_again_and_nothing_is_done_twice(database_url: str) -> None:
    queue = PostgresQueue(database_url)
    try:
        for n in range(10):
            cut_all_connections(database_url)
            job = queue.submit(SPEC, float(n))
            cut_all_connections(database_url)
            assert queue.place(job.id, "a", "hub", float(n)) is not None
        assert len(queue.jobs()) == 10
        assert [event.state for event in queue.events()] == [JobState.QUEUED, JobState.PLACED] * 10
    finally:
        queue.close()


def test_many_hubs_place_each_job_once_with_its_own_token(database_url: str) -> None:
    queues = [PostgresQueue(database_url) for _ in range(4)]
    jobs = [queues[0].submit(SPEC, 1.0).id for _ in range(20)]

    def placed_by(number: int) -> list[int]:
        attempts = (queues[number].place(job, "node", f"hub-{number}", 2.0) for job in jobs)
        return [attempt.token for attempt in attempts if attempt is not None]

    try:
        with ThreadPoolExecutor(4) as pool:
            tokens = [token for part in pool.map(placed_by, range(4)) for token in part]
        # Where two hubs met on one row both may have skipped it: the next round takes those.
        tokens += placed_by(0)
        assert len(tokens) == len(set(tokens)) == 20
        numbers = [event.n for event in queues[1].events()]
        assert numbers == sorted(numbers)
    finally:
        for queue in queues:
            queue.close()


def test_a_submission_of_another_process_wakes_a_waiting_hub(database_url: str) -> None:
    waiting, other = PostgresQueue(database_url), PostgresQueue(database_url)
    try:
        assert waiting.wait(0.0)  # listens from here on
        submitted = threading.Thread(target=other.submit, args=(SPEC, 1.0))
        submitted.start()
        assert waiting.wait(30.0)
        submitted.join()
    finally:
        waiting.close()
        other.close()


def test_a_database_that_does_not_answer_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relaytui.hub.jobs.postgres._RETRY_SECONDS", (0.0,))
    with pytest.raises(QueueError, match="the job queue's database does not answer") as caught:
        PostgresQueue("postgresql://nobody@/x?host=/nowhere")
    assert "\n" not in str(caught.value)


def test_what_the_database_refuses_is_said_and_changes_nothing(database_url: str) -> None:
    queue = PostgresQueue(database_url)
    try:
        job = queue.submit(SPEC, 1.0)
        placed = queue.place(job.id, "a", "hub", 2.0)
        assert placed is not None
        with pytest.raises(QueueError, match=r"refuses: .*NUL") as caught:
            queue.requeue(job.id, placed.token, 3.0, 3.0, "exit code 1\0")
        assert "\n" not in str(caught.value)
        assert queue.requeue(job.id, placed.token, 3.0, 3.0, "exit code 1")
    finally:
        queue.close()
