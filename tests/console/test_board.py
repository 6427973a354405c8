"""The jobs screen's way to the queue: a real one, read in a thread, not read while nothing changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relaytui.config import Config
from relaytui.hub.jobs import board as board_module
from relaytui.hub.jobs.board import QueueBoard
from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.console.scripted import ScriptedSource

Started = list[str]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    """How often a dispatcher was seen to; none is started."""
    monkeypatch.setenv("RELAYTUI_STATE_DIR", str(tmp_path))
    calls: Started = []
    monkeypatch.setattr(board_module, "ensure_dispatcher", lambda: calls.append("dispatcher"))
    return calls


@pytest.fixture
def board(started: Started) -> Iterator[QueueBoard]:
    source = ScriptedSource("local", "gpu")
    opened = QueueBoard(Config(), source.fleet, source.now)
    yield opened
    opened.close()


def queue_in(directory: Path) -> SqliteQueue:
    return SqliteQueue(directory / "jobs" / "queue.db")


async def test_looking_makes_no_queue(board: QueueBoard, tmp_path: Path) -> None:
    assert await board.jobs() == ()
    assert not (tmp_path / "jobs").exists()


async def test_jobs_are_read_anew_only_when_something_changed(board: QueueBoard, tmp_path: Path) -> None:
    queue = queue_in(tmp_path)
    try:
        first = queue.submit(JobSpec(("make",)), time.time())
        jobs = await board.jobs()
        assert [job.id for job in jobs] == [first.id]
        assert await board.jobs() is jobs
        queue.submit(JobSpec(("make", "docs")), time.time())
        assert len(await board.jobs()) == 2
    finally:
        queue.close()


async def test_a_queued_job_has_a_verdict_of_each_node(board: QueueBoard, tmp_path: Path) -> None:
    queue = queue_in(tmp_path)
    try:
        first = queue.submit(JobSpec(("make",), requires="gpu"), time.time())
        second = queue.submit(JobSpec(("make",), after=(first.id,)), time.time())
    finally:
        queue.close()
    story = await board.story(first.id)
    assert {verdict.alias for verdict in story.verdicts} == {"local", "gpu"}
    assert all(verdict.reasons for verdict in story.verdicts)
    assert (await board.story(second.id)).reasons == [f"needs job {first.id}, which is queued"]


async def test_cancel_and_retry_see_to_a_dispatcher(board: QueueBoard, started: Started, tmp_path: Path) -> None:
    queue = queue_in(tmp_path)
    try:
        job = queue.submit(JobSpec(("make",)), time.time())
    finally:
        queue.close()
    assert (await board.cancel(job.id)).state is JobState.CANCELLED
    copy = await board.retry(job.id)
    assert copy.state is JobState.QUEUED
    assert {each.id for each in await board.jobs()} == {job.id, copy.id}
    assert started == ["dispatcher", "dispatcher"]
    with pytest.raises(QueueError):
        await board.story("none")
