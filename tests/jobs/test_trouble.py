"""A full disk or a row that cannot be read hold up what they concern, and nothing for good."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from relaytui.config import Config
from relaytui.config.paths import state_dir
from relaytui.hub.core import Core
from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.service import dispatch_whenever_free, open_queue
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from relaytui.link.tasks import cancel, spawn
from tests.jobs.test_dispatcher import open_place
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(90)

_MOST_PAGES = 1_073_741_823


def fill(queue: SqliteQueue) -> None:
    """Let this connection's database grow no further, and leave no room for one more event."""
    queue._db.execute("PRAGMA max_page_count = 1")
    for size in (100_000, 2_000, 20, 1):
        while True:
            try:
                queue._run(lambda size=size: queue._record("filler", 0.0, JobState.QUEUED, "x" * size))  # type: ignore[misc]  # a default binds it
            except QueueError:
                break


def make_room(queue: SqliteQueue) -> None:
    queue._db.execute(f"PRAGMA max_page_count = {_MOST_PAGES}")


def test_a_full_disk_is_said_with_its_cause_and_passes(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    try:
        fill(queue)
        for _ in range(2):
            with pytest.raises(QueueError, match="is full") as caught:
                queue.submit(JobSpec(command=("true",), title="x" * 10_000), 1.0)
            assert "\n" not in str(caught.value)
        assert queue.jobs() == []
        make_room(queue)
        assert queue.submit(JobSpec(command=("true",)), 2.0).state is JobState.QUEUED
    finally:
        queue.close()


async def test_dispatching_goes_on_when_there_is_room_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher() as dispatcher:
        queue = dispatcher._queue
        assert isinstance(queue, SqliteQueue)

        def submit() -> str:
            job = place.submit("true")
            fill(queue)
            return job

        job = await dispatcher._ask(submit)  # in the queue's thread: nothing is placed before there is no room
        await eventually(said(caplog, "is full"), 40.0)
        assert place.queue.get(job).state is JobState.QUEUED
        await dispatcher._ask(make_room, queue)
        (done,) = await place.ended(job)
        assert done.state is JobState.DONE


async def test_a_job_whose_requirement_cannot_be_read_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher() as dispatcher:
        odd = place.submit("true", requires="mem ~~ plenty", priority=1)
        (done,) = await place.ended(place.submit("true"))
        assert done.state is JobState.DONE
        waiting = place.queue.get(odd)
        assert waiting.state is JobState.QUEUED
        (verdict,) = (await dispatcher.explain(waiting)).verdicts
        assert "requirement 'mem ~~ plenty', character" in verdict.reasons[0]
        told = [record.getMessage() for record in caplog.records if odd in record.getMessage()]
        assert len([text for text in told if "cannot be read here" in text]) == 1


@pytest.mark.parametrize("trouble", ["no directory", "no database"])
async def test_a_hub_dispatches_from_when_the_queue_can_be_used(
    trouble: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("RELAYTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("RELAYTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr("relaytui.hub.jobs.service._FREE_AGAIN", 0.1)
    in_the_way = state_dir() / "jobs" if trouble == "no directory" else state_dir() / "jobs" / "queue.db"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("not what is expected here\n" * 200)
    config = Config(operator="ann")
    object.__setattr__(config, "nodes", ())
    hub = spawn(dispatch_whenever_free(config, Core(config, cache=tmp_path / "cache")), name="hub")
    try:
        await eventually(said(caplog, "jobs are not dispatched"), 40.0)
        in_the_way.unlink()
        await eventually((state_dir() / "jobs" / "queue.db").exists, 40.0)
        queue = open_queue(config)
        try:
            job = queue.submit(JobSpec(command=("true",), queue_limit=0.01), time.time())
            await eventually(lambda: queue.get(job.id).state is JobState.EXPIRED, 40.0)
        finally:
            queue.close()
        assert not hub.done()
    finally:
        await cancel(hub)


def said(caplog: pytest.LogCaptureFixture, words: str) -> Callable[[], bool]:
    return lambda: any(words in record.getMessage() for record in caplog.records)
