"""Smoke: a job through each node and back, as proof that work reaches it, by hand or as a workflow of its own kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.states import JobState

_SCRIPT = """{ echo "host=$(uname -n)"; echo "nonce=$SMOKE_NONCE"; } >"$RELAY_OUTPUT\""""
_NONCE = "SMOKE_NONCE"


class FailedRun(NamedTuple):
    """A run of a smoke that has ended, and not well on every node."""

    run: str
    title: str
    body: str


def smoke_spec(alias: str, nonce: str, seconds: float, operator: str) -> JobSpec:
    """The job for one node, which has `seconds` to be placed and as many to run."""
    return JobSpec(
        script=_SCRIPT,
        env={_NONCE: nonce},
        node=alias,
        title=f"smoke {alias}",
        tags=("smoke",),
        repeatable=True,
        queue_limit=seconds,
        run_limit=seconds,
        operator=operator,
    )


def fault_of(job: Job) -> str:
    """Why the node's job proves nothing; "" where what it was given came back from there."""
    if not job.is_final:
        return f"no result in time: it is {job.state}"
    if job.state is JobState.DONE and job.outputs.get("nonce") == job.spec.env[_NONCE]:
        return ""
    return job.reason or "what it wrote did not come back"


def failed_runs(jobs: Iterable[Job]) -> Iterator[FailedRun]:
    """Those among `jobs`, newest first, that are runs of smokes and failed; of a retried job the last copy counts."""
    runs: defaultdict[str, dict[str, Job]] = defaultdict(dict)
    for job in jobs:
        if job.spec.run and _NONCE in job.spec.env:
            runs[job.spec.run].setdefault(job.spec.step, job)
    for run, nodes in runs.items():
        faults = {alias: fault for alias, job in sorted(nodes.items()) if (fault := fault_of(job))}
        if faults and all(job.is_final for job in nodes.values()):
            name = next(iter(nodes.values())).spec.workflow
            title = f"{name}: {len(faults)} of {len(nodes)} node{'' if len(nodes) == 1 else 's'} failed"
            yield FailedRun(run, title, "; ".join(f"{alias}: {fault}" for alias, fault in faults.items()))
