"""Smoke as a workflow of its own kind: a job for each node when it is due, and an alert when one does not come back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relaytui.config import LOCAL, NodeConfig, Transport
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.runs import jobs_of_run, run_due
from relaytui.hub.jobs.smoke import failed_runs, fault_of
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.home import Home
from tests.waiting import eventually

_DAY = 86400.0
_NOW = 1_790_000_000.0
_FILE = 'name = "rounds"\nkind = "smoke"\nschedule = "0 3 * * *"\ntimeout = 2\n'


def end(queue: JobQueue, job: Job, state: JobState, outputs: dict[str, str]) -> None:
    placed = queue.place(job.id, job.spec.node, "hub", _NOW + _DAY)
    assert placed is not None
    queue.advance(job.id, placed.token, JobState.STARTING, _NOW + _DAY)
    queue.advance(job.id, placed.token, state, _NOW + _DAY, outputs=outputs)


def test_a_due_smoke_has_a_job_for_each_node_and_fails_with_the_reason_of_each(queue: JobQueue, tmp_path: Path) -> None:
    (tmp_path / "rounds.toml").write_text(_FILE)
    nodes = ["one", "two", "three"]
    assert run_due(queue, tmp_path, "ann", _NOW, nodes) == []
    (run,) = run_due(queue, tmp_path, "ann", _NOW + _DAY, nodes)
    one, two, three = jobs = jobs_of_run(queue, run)
    assert [(job.spec.step, job.spec.node, job.spec.queue_limit) for job in jobs] == [
        (each, each, 2.0) for each in nodes
    ]
    end(queue, one, JobState.DONE, {"nonce": one.spec.env["SMOKE_NONCE"], "host": "a"})
    end(queue, two, JobState.DONE, {"nonce": "another"})
    assert list(failed_runs(queue.jobs())) == []  # it has not ended
    queue.expire(_NOW + 2 * _DAY)
    (failed,) = failed_runs(queue.jobs())
    assert failed.run == run
    assert failed.title == "rounds: 2 of 3 nodes failed"
    assert failed.body == "three: not placed within 2 s; two: what it wrote did not come back"
    for job in (two, three):
        copy = queue.retry(job.id, _NOW + 2 * _DAY)
        end(queue, copy, JobState.DONE, {"nonce": copy.spec.env["SMOKE_NONCE"]})
        assert fault_of(queue.get(copy.id)) == ""
    assert list(failed_runs(queue.jobs())) == []


@pytest.mark.timeout(120)
async def test_the_hub_runs_a_smoke_that_is_due_and_alerts_of_the_node_that_fails(home: Home) -> None:
    gone = NodeConfig("gone", transport=Transport.UNIX, socket=str(home.directory / "gone.sock"))
    home.configure(gone)
    directory = home.directory / "config" / "workflows"
    directory.mkdir(parents=True)
    (directory / "rounds.toml").write_text(_FILE)
    assert "a job through every node" in home.run("workflow", "check", "rounds").stderr
    queue = SqliteQueue(home.directory / "console" / "jobs" / "queue.db")
    queue.last_run("rounds", time.time() - 2 * _DAY)
    queue.close()
    home.ok("hub", "start")
    try:

        def alerts() -> list[tuple[str, str]]:
            log = home.json("notify", "log", "--node", LOCAL)
            return [(each["title"], each["body"]) for each in log if each["title"].startswith("rounds")]

        assert await eventually(alerts, 60.0) == [("rounds: 1 of 2 nodes failed", "gone: not placed within 2 s")]
    finally:
        home.run("hub", "stop")
