"""Jobs while dispatchers, agents, links and connections of the database are cut at random.

One result each, none run twice, none left in between. Every job notes in a lock of its own which attempt runs; the
attempt that the result names must be the only one that ever ran.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from relaytui.config import Config, JobsConfig, save_config
from relaytui.hub.jobs.model import Direction, Job, JobSpec, Transfer
from relaytui.hub.jobs.postgres import PostgresQueue
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.staging import staged
from relaytui.hub.jobs.states import FINAL, TRANSITIONS, JobState
from tests.home import RELAYTUI
from tests.jobs.machines import Machines, open_machines
from tests.sshd import needs_sshd

pytestmark = [needs_sshd, pytest.mark.timeout(1800)]

_SCRIPT = """
attempt=${RELAY_OUTPUT##*/}
mkdir "$PROOF/lock-$RELAY_JOB" || echo "$attempt" >>"$PROOF/twice"
echo "$attempt" >>"$PROOF/runs"
sleep 0.2
cat sent >brought
rmdir "$PROOF/lock-$RELAY_JOB"
"""
_SENT = b"what goes there and comes back\n" * 1000


class Chaos:
    """A dispatcher on `machines`, and what strikes it, their agents and links and the connections of the database."""

    def __init__(self, machines: Machines, url: str, seed: int) -> None:
        self.struck: dict[str, int] = {}
        self._machines = machines
        self._url = url
        self._random = random.Random(seed)
        self._dispatcher: subprocess.Popen[bytes] | None = None
        home = machines.home
        save_config(Config(nodes=home.nodes, jobs=JobsConfig(queue=url)), home.config_file)

    def start_dispatcher(self) -> None:
        command = [*RELAYTUI, "job", "dispatch"]
        self._dispatcher = subprocess.Popen(command, env=self._machines.home.env, stderr=subprocess.DEVNULL)

    def strike(self) -> None:
        """Strike one thing."""
        alias = self._random.choice(self._machines.nodes).alias
        kinds = ["hub", "agent", "link"] + (["database"] if self._url else [])
        kind = self._random.choice(kinds)
        self.struck[kind] = self.struck.get(kind, 0) + 1
        match kind:
            case "hub":
                self.close()
                self.start_dispatcher()
            case "agent":
                self._machines.kill_agent(alias)
            case "link":
                self._machines.cut(alias, self._random.uniform(0.0, 2.0))
            case _:
                cut_database(self._url)

    def close(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.kill()
            self._dispatcher.wait()


def cut_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


@contextmanager
def machines_of(count: int) -> Iterator[Machines]:
    with (
        tempfile.TemporaryDirectory(prefix="rt-chaos-", dir="/tmp") as directory,
        open_machines(Path(directory), {f"n{number}": () for number in range(count)}) as machines,
    ):
        yield machines


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.parametrize(("jobs", "nodes", "strikes"), [(24, 2, 6), pytest.param(300, 5, 60, marks=pytest.mark.full)])
def test_whatever_dies_every_job_ends_once(
    tmp_path: Path, request: pytest.FixtureRequest, backend: str, jobs: int, nodes: int, strikes: int
) -> None:
    url = request.getfixturevalue("database_url") if backend == "postgres" else ""
    (tmp_path / "sent").write_bytes(_SENT)
    proof = tmp_path / "proof"
    proof.mkdir()
    with machines_of(nodes) as machines:
        chaos = Chaos(machines, url, seed=jobs)
        queue: JobQueue = PostgresQueue(url) if url else SqliteQueue(machines.home.directory / "console/jobs/queue.db")
        try:
            chaos.start_dispatcher()
            spec = JobSpec(
                script=_SCRIPT,
                env={"PROOF": str(proof)},
                send=(Transfer(str(tmp_path / "sent"), "sent"),),
                fetch=(Transfer("", "brought"),),
            )
            spec = staged(queue, spec)
            submitted = [queue.submit(spec, time.time()).id for _ in range(jobs)]
            ended = _await_all(queue, chaos, submitted, strikes)
            _check(queue, proof, ended)
        finally:
            chaos.close()
            queue.close()
    print(f"{backend}: {jobs} jobs on {nodes} nodes ended once; struck: {chaos.struck}")


def _check(queue: JobQueue, proof: Path, ended: list[Job]) -> None:
    """Each job ran once, in the attempt that its result names, on a path that the table allows."""
    assert {job.state for job in ended} == {JobState.DONE}, [job for job in ended if job.state is not JobState.DONE]
    assert not (proof / "twice").exists()
    assert sorted((proof / "runs").read_text().split()) == sorted(f"{job.id}-{job.token}" for job in ended)
    assert not list(proof.glob("lock-*"))
    sha256 = hashlib.sha256(_SENT).hexdigest()
    for job in ended:
        states = [event.state for event in queue.events(job=job.id)]
        assert all(after in TRANSITIONS[before] for before, after in itertools.pairwise(states)), states
        assert sum(state in FINAL for state in states) == 1
        brought = [kept for kept in queue.files(job.id) if kept.direction is Direction.FETCH]
        assert [(kept.token, kept.file.sha256) for kept in brought] == [(job.token, sha256)]


def _await_all(queue: JobQueue, chaos: Chaos, submitted: list[str], strikes: int) -> list[Job]:
    """All jobs, ended; a strike each time another share of them has, and one at the first that runs."""
    struck, deadline = 0, time.monotonic() + 1500
    while True:
        jobs = [queue.get(name) for name in submitted]
        final = sum(job.is_final for job in jobs)
        if final == len(jobs):
            return jobs
        assert time.monotonic() < deadline, [job for job in jobs if not job.is_final]
        begun = any(job.state is JobState.RUNNING for job in jobs)
        while begun and struck < strikes and final * strikes >= struck * len(jobs):
            chaos.strike()
            struck += 1
        queue.wait(1.0)
