"""The job queue: claims and completions, a long list, the way from submit to a running job, beside its peers."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from relaytui.config import NodeConfig
from relaytui.hub.core import Core
from relaytui.hub.jobs.dispatcher import JobDispatcher
from relaytui.hub.jobs.model import JobSpec
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.service import until_known
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.bench.place import NODE, Place, bench_place, config_of, installed
from tests.bench.report import Check, Report, median, milliseconds, percentile
from tests.home import Home

ROUNDS = 500
LISTED = 10_000
TRIVIAL = 50
_LEAST_RATE = 200
_MOST_LIST = 0.3
_MOST_DISPATCH = 0.3
_SPEC = JobSpec(command=("true",))


def measure() -> Report:
    """Run the bench."""
    return asyncio.run(_measure())


async def _measure() -> Report:
    async with bench_place() as place:
        home = place.home
        rate, listed = await asyncio.to_thread(_queue_figures, home.directory)
        dispatch, whole = await _dispatch_figures(home, home.node("near"))
        far_dispatch, far_whole = await _dispatch_figures(home, place.node())
        rows = [
            ["claims and completions", f"{rate:.0f} a second"],
            [f"list of {LISTED} queued jobs", milliseconds(listed)],
            ["submit to running, median", milliseconds(median(dispatch))],
            ["submit to running, p95", milliseconds(percentile(dispatch, 0.95))],
            ["submit to running over SSH, p95", milliseconds(percentile(far_dispatch, 0.95))],
            ["a trivial job, submit to result, median", milliseconds(median(whole))],
        ]
        if installed("tsp"):
            spooled = await asyncio.to_thread(_spooled, home)
            rows.append(["the same in task-spooler (`tsp`, `tsp -w`), median", milliseconds(median(spooled))])
        if installed("parallel"):
            local = await asyncio.to_thread(_parallel, home)
            rows.append(["the same in `parallel`, no ssh, median", milliseconds(median(local))])
        rows.append(["a trivial job over SSH, submit to result, median", milliseconds(median(far_whole))])
        if installed("parallel"):
            far = await asyncio.to_thread(_parallel, home, *_through(place))
            rows.append(["the same in `parallel --sshlogin`, median", milliseconds(median(far))])
            kept = await asyncio.to_thread(_parallel, home, *_through(place, keeping=True))
            rows.append(["the same there with one ssh connection kept, median", milliseconds(median(kept))])
    return Report(
        "Jobs",
        f"SQLite in WAL mode, every commit on disk; {ROUNDS} jobs placed and finished by one claimant;"
        f" {TRIVIAL} jobs of `true`, one after the other, on one idle node: over its socket, then behind a real sshd.",
        ("", ""),
        rows,
        (
            Check(f"at least {_LEAST_RATE} claims and completions a second", rate >= _LEAST_RATE),
            Check(f"{LISTED} queued jobs listed within {milliseconds(_MOST_LIST)}", listed <= _MOST_LIST),
            Check(
                f"running within {milliseconds(_MOST_DISPATCH)} of submit (p95)",
                percentile(dispatch, 0.95) <= _MOST_DISPATCH,
            ),
        ),
    )


def _queue_figures(directory: Path) -> tuple[float, float]:
    """Claims with completions a second, and the seconds a long list takes."""
    with closing(SqliteQueue(directory / "bench" / "queue.db")) as queue:
        jobs = [queue.submit(_SPEC, 0.0).id for _ in range(ROUNDS)]
        began = time.perf_counter()
        for name in jobs:
            job = queue.place(name, "box", "bench", 1.0)
            assert job is not None
            for state in (JobState.STARTING, JobState.DONE):
                queue.advance(name, job.token, state, 2.0)
        rate = ROUNDS / (time.perf_counter() - began)
        for _ in range(LISTED):
            queue.submit(_SPEC, 0.0)
        began = time.perf_counter()
        assert len(queue.jobs([JobState.QUEUED], LISTED)) == LISTED
        return rate, time.perf_counter() - began


async def _dispatch_figures(home: Home, node: NodeConfig) -> tuple[list[float], list[float]]:
    """Seconds from submit, by another process's connection, to running and to the result."""
    directory = home.directory / f"dispatch-{node.alias}"
    path = directory / "queue.db"
    core = Core(config_of(node), cache=directory)
    with closing(SqliteQueue(path)) as queue, closing(SqliteQueue(path)) as own:
        dispatcher = JobDispatcher(core, own)
        await core.start()
        await dispatcher.start()
        try:
            await until_known(core, 30.0)
            return await asyncio.to_thread(_submit_trivial, queue)
        finally:
            await dispatcher.stop()
            await core.stop()


def _submit_trivial(queue: JobQueue) -> tuple[list[float], list[float]]:
    dispatch, whole = [], []
    for _ in range(TRIVIAL):
        job = queue.submit(_SPEC, time.time())
        while not job.is_final:
            queue.wait(5.0)
            job = queue.get(job.id)
        assert job.state is JobState.DONE, job
        assert job.started is not None
        assert job.ended is not None
        dispatch.append(job.started - job.submitted)
        whole.append(job.ended - job.submitted)
    return dispatch, whole


def _spooled(home: Home) -> list[float]:
    env = home.env | {"TS_SOCKET": str(home.directory / "spooler"), "TMPDIR": str(home.directory)}

    def once() -> None:
        number = subprocess.run(["tsp", "true"], env=env, capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["tsp", "-w", number], env=env, capture_output=True, check=True)

    try:
        return _timed(once)
    finally:
        subprocess.run(["tsp", "-K"], env=env, capture_output=True, check=True)


def _through(place: Place, *, keeping: bool = False) -> tuple[str, ...]:
    """Has `parallel` run its jobs behind the same sshd as the node, on one connection where it is kept."""
    control = f"ControlMaster auto\nControlPath {place.home.directory}/control\nControlPersist 10"
    config = place.sshd.write_config(NODE, extra=control if keeping else "")
    return "--ssh", f"ssh -F {config}", "--sshlogin", f"1/{NODE}"


def _parallel(home: Home, *options: str) -> list[float]:
    command = ["parallel", "--will-cite", *options, ":::", "true"]

    def once() -> None:
        subprocess.run(command, env=home.env, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return _timed(once)


def _timed(once: Callable[[], None]) -> list[float]:
    taken = []
    for _ in range(TRIVIAL):
        began = time.perf_counter()
        once()
        taken.append(time.perf_counter() - began)
    return taken
