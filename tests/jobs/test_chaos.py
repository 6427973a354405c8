"""Jobs while dispatchers and agents are killed at random: one result each, none run twice, none left in between."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from node_agent.io.paths import node_paths
from relaytui.config import Config, JobsConfig, NodeConfig, save_config
from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.postgres import PostgresQueue
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.home import RELAYTUI, Home

_SCRIPT = """
mkdir "$PROOF/lock-$RELAY_JOB" || echo "$RELAY_JOB" >>"$PROOF/twice"
sleep 0.2
echo "$RELAY_JOB" >>"$PROOF/runs"
rmdir "$PROOF/lock-$RELAY_JOB"
"""


class Chaos:
    """A dispatcher on `nodes`, and what kills it, the agents and the connections of the database."""

    def __init__(self, home: Home, nodes: tuple[NodeConfig, ...], url: str, seed: int) -> None:
        self._home = home
        self._url = url
        self._random = random.Random(seed)
        self._nodes = nodes
        self._dispatcher: subprocess.Popen[bytes] | None = None
        save_config(Config(nodes=nodes, jobs=JobsConfig(queue=url)), home.config_file)

    def start_dispatcher(self) -> None:
        """See to it that one runs."""
        if self._dispatcher is None or self._dispatcher.poll() is not None:
            command = [*RELAYTUI, "job", "dispatch"]
            self._dispatcher = subprocess.Popen(command, env=self._home.env, stderr=subprocess.DEVNULL)

    def strike(self) -> None:
        """Kill one thing."""
        if self._url and self._random.random() < 0.3:
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid != pg_backend_pid()"
                )
        elif self._random.random() < 0.4:
            self.close()
            self.start_dispatcher()
        else:
            node = self._random.choice(self._nodes)
            with contextlib.suppress(OSError, ValueError):  # it is being replaced at this moment
                os.kill(int(node_paths(Path(node.state), self._home.env).agent_lock.read_text()), signal.SIGKILL)

    def close(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.kill()
            self._dispatcher.wait()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.parametrize(("jobs", "nodes", "strikes"), [(24, 2, 4), pytest.param(300, 5, 40, marks=pytest.mark.full)])
def test_whatever_dies_every_job_ends_once(
    tmp_path: Path, request: pytest.FixtureRequest, backend: str, jobs: int, nodes: int, strikes: int
) -> None:
    url = request.getfixturevalue("database_url") if backend == "postgres" else ""
    home = Home(tmp_path)
    proof = tmp_path / "proof"
    proof.mkdir()
    chaos = Chaos(home, tuple(home.node(f"n{number}") for number in range(nodes)), url, seed=jobs)
    queue: JobQueue = PostgresQueue(url) if url else SqliteQueue(tmp_path / "console" / "jobs" / "queue.db")
    try:
        chaos.start_dispatcher()
        spec = JobSpec(script=_SCRIPT, env={"PROOF": str(proof)})
        submitted = [queue.submit(spec, time.time()).id for _ in range(jobs)]
        ended = _await_all(queue, chaos, submitted, strikes)
    finally:
        chaos.close()
        queue.close()
        home.close()
    assert {job.state for job in ended} == {JobState.DONE}, [job for job in ended if job.state is not JobState.DONE]
    assert not (proof / "twice").exists()
    assert sorted((proof / "runs").read_text().split()) == sorted(submitted)
    assert not list(proof.glob("lock-*"))


def _await_all(queue: JobQueue, chaos: Chaos, submitted: list[str], strikes: int) -> list[Job]:
    """All jobs, ended; a strike each time another share of them has, and one at the first that runs."""
    struck, deadline = 0, time.monotonic() + 600
    while True:
        jobs = [queue.get(name) for name in submitted]
        final = sum(job.is_final for job in jobs)
        if final == len(jobs):
            return jobs
        assert time.monotonic() < deadline, [job for job in jobs if not job.is_final]
        begun = any(job.state is JobState.RUNNING for job in jobs)
        if begun and struck < strikes and final * strikes >= struck * len(jobs):
            chaos.strike()
            struck += 1
        queue.wait(1.0)
