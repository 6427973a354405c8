"""A queue that is closed while threads use it, as by a hub that stops: no call is broken, nor the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.queue import JobQueue, QueueError

SPEC = JobSpec(command=("true",))
JOBS = 300
ROUNDS = 30


def test_closing_waits_for_the_call_under_way(another: Callable[[], JobQueue]) -> None:
    another().submit_all({f"{number:08x}": SPEC for number in range(JOBS)}, 1.0)
    seen: list[int] = []

    def read_until_refused(queue: JobQueue, began: threading.Event) -> None:
        deadline = time.monotonic() + 20.0
        while time.monotonic() < deadline:
            seen.append(len(queue.jobs()))
            began.set()

    with ThreadPoolExecutor(1) as pool:
        for _ in range(ROUNDS):
            queue, began = another(), threading.Event()
            reading = pool.submit(read_until_refused, queue, began)
            assert began.wait(20.0)
            queue.close()
            with pytest.raises(QueueError, match="closed"):
                reading.result()
    assert set(seen) == {JOBS}


def test_closing_waits_for_who_waits(queue: JobQueue) -> None:
    queue.wait(0.0)  # a backend that listens from its first wait on has begun to
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.wait, 0.3)
        queue.close()
        error = waiting.exception()
        assert error is None or "closed" in str(error)
        with pytest.raises(QueueError, match="closed"):
            queue.wait(0.0)


def test_closing_twice_is_closing(queue: JobQueue) -> None:
    queue.close()
    queue.close()
    with pytest.raises(QueueError, match="closed"):
        queue.submit(SPEC, 1.0)
