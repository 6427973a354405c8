"""Scheduled workflows: each due time runs once, whoever looks and however late."""

from __future__ import annotations

from pathlib import Path

import pytest

from relaytui.hub.jobs.model import Claim, JobSpec
from relaytui.hub.jobs.queue import JobQueue, NoSuchJob, QueueError
from relaytui.hub.jobs.runs import jobs_of_run, run_due

_DAY = 86400.0
_NOW = 1_790_000_000.0


def test_a_due_workflow_runs_once_however_long_nobody_looked(queue: JobQueue, tmp_path: Path) -> None:
    (tmp_path / "nightly.toml").write_text(
        'name = "nightly"\nschedule = "0 3 * * *"\n[[step]]\nname = "a"\ncommand = ["true"]\n'
    )
    (tmp_path / "faulty.toml").write_text("name = ")
    (tmp_path / "by_hand.toml").write_text('name = "by-hand"\n[[step]]\nname = "a"\ncommand = ["true"]\n')
    assert run_due(queue, tmp_path, "ann", _NOW) == []  # first seen: nothing has come due since
    (run,) = run_due(queue, tmp_path, "ann", _NOW + 5 * _DAY)
    assert [job.spec.workflow for job in jobs_of_run(queue, run)] == ["nightly"]
    assert run_due(queue, tmp_path, "ann", _NOW + 5 * _DAY + 1) == []


def test_one_of_two_hubs_has_a_due_run(queue: JobQueue) -> None:
    last = queue.last_run("nightly", 100.0)
    assert queue.last_run("nightly", 200.0) == last == 100.0
    claim, spec = Claim("nightly", last, 160.0), JobSpec(command=("true",))
    assert [job.id for job in queue.submit_all({"one": spec}, 200.0, claim=claim)] == ["one"]
    assert queue.submit_all({"two": spec}, 200.0, claim=claim) == []
    assert [job.id for job in queue.jobs()] == ["one"]
    assert queue.last_run("nightly", 300.0) == 160.0


def test_a_run_that_cannot_be_queued_whole_is_not_begun_nor_taken(queue: JobQueue) -> None:
    last = queue.last_run("nightly", 100.0)
    specs = {"one": JobSpec(command=("true",)), "two": JobSpec(command=("true",), after=("one", "nobody"))}
    with pytest.raises(NoSuchJob):
        queue.submit_all(specs, 200.0, claim=Claim("nightly", last, 160.0))
    assert queue.jobs() == []
    assert queue.last_run("nightly", 300.0) == last


def test_a_due_run_whose_queue_fails_is_run_later(
    queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the hub is killed at the last step: nothing of the run is there, and it is due still."""
    step = '[[step]]\nname = "{}"\ncommand = ["true"]\n'
    (tmp_path / "nightly.toml").write_text(
        'name = "nightly"\nschedule = "0 3 * * *"\n' + step.format("a") + step.format("b") + 'needs = ["a"]\n'
    )
    assert run_due(queue, tmp_path, "ann", _NOW) == []
    insert, inserted = queue._insert, list[str]()  # type: ignore[attr-defined]  # both backends' way of adding a job

    def fails_at_the_last(*values: object) -> None:
        insert(*values)
        inserted.append(str(values[0]))
        if len(inserted) == 2:
            raise QueueError("killed")

    with monkeypatch.context() as context:
        context.setattr(queue, "_insert", fails_at_the_last)
        with pytest.raises(QueueError, match="killed"):
            run_due(queue, tmp_path, "ann", _NOW + _DAY)
    assert queue.jobs() == []
    (run,) = run_due(queue, tmp_path, "ann", _NOW + _DAY)
    first, second = jobs_of_run(queue, run)
    assert second.spec.after == (first.id,)
