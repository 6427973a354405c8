"""Scheduled workflows: each due time runs once, whoever looks and however late."""

from __future__ import annotations

from pathlib import Path

from relaytui.hub.jobs.queue import JobQueue
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
    assert queue.claim_run("nightly", last, 160.0)
    assert not queue.claim_run("nightly", last, 160.0)
    assert queue.last_run("nightly", 300.0) == 160.0
