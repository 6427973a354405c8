"""Puts a workflow's steps into the queue as jobs: one run, each job waiting for those it needs."""

from __future__ import annotations

import dataclasses
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from relaytui.hub.jobs.deploys import given_values
from relaytui.hub.jobs.model import Claim, Job, JobSpec, Transfer
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.schedule import last_due
from relaytui.hub.jobs.smoke import smoke_spec
from relaytui.hub.jobs.workflow import Workflow, WorkflowError, parse_workflow

_log = logging.getLogger(__name__)


def check_runnable(workflow: Workflow) -> None:
    """Raise WorkflowError for what cannot be run here yet rather than run half of it."""
    if missing := sorted(given_values(workflow)):
        raise WorkflowError(
            f"{workflow.name}: needs {', '.join(missing)}; use `relaytui deploy {workflow.name} --set {missing[0]}=…`"
        )


def submit_run(
    queue: JobQueue,
    workflow: Workflow,
    operator: str,
    now: float,
    *,
    nodes: Sequence[str] = (),
    claim: Claim | None = None,
) -> tuple[str, list[Job]]:
    """Queue all steps or none; the run's id and its jobs in the workflow's order. Raises WorkflowError.

    `nodes` are the aliases a smoke goes to. With `claim` it is the run of a schedule; without any job when somebody
    else has that.
    """
    check_runnable(workflow)
    run = secrets.token_hex(4)
    specs = _smoke_specs(workflow, run, operator, nodes) if workflow.smoke else _step_specs(workflow, run, operator)
    return run, queue.submit_all(specs, now, claim=claim)


def _smoke_specs(workflow: Workflow, run: str, operator: str, nodes: Sequence[str]) -> dict[str, JobSpec]:
    specs = {}
    for alias in nodes:
        spec = smoke_spec(alias, run, workflow.timeout, operator)
        specs[secrets.token_hex(4)] = dataclasses.replace(spec, workflow=workflow.name, run=run, step=alias)
    return specs


def _step_specs(workflow: Workflow, run: str, operator: str) -> dict[str, JobSpec]:
    ids, specs = {step.name: secrets.token_hex(4) for step in workflow.steps}, dict[str, JobSpec]()
    for step in workflow.steps:
        after = tuple(ids[need] for need in step.needs)
        specs[ids[step.name]] = dataclasses.replace(
            step.spec,
            after=after,
            run=run,
            operator=operator,
            inputs=tuple(f"{source}:{path}" for source, path in step.inputs),
            fetch=tuple(Transfer("", path) for path in step.outputs),
        )
    return specs


def run_due(queue: JobQueue, directory: Path, operator: str, now: float, nodes: Sequence[str] = ()) -> list[str]:
    """Queue the workflows of `directory` whose schedule came due since their last run; the ids of the runs.

    Each due time is run by one hub, and however long all slept, a workflow runs once.
    """
    runs = []
    for path in sorted(directory.glob("*.toml")):
        try:
            workflow = parse_workflow(path.read_text("utf-8"), str(path))
            if not workflow.schedule:
                continue
            check_runnable(workflow)
            last = queue.last_run(workflow.name, now)
            due = last_due(workflow.schedule, _moment(last), _moment(now))
            if due is not None:
                claim = Claim(workflow.name, last, due.timestamp())
                run, jobs = submit_run(queue, workflow, operator, now, nodes=nodes, claim=claim)
                runs += [run] if jobs else []
        except (WorkflowError, OSError, UnicodeDecodeError) as error:
            _log.warning("a schedule cannot be run: %s", error)
    return runs


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()


def jobs_of_run(queue: JobQueue, run: str) -> list[Job]:
    """The jobs of the run whose id begins with `run`, in the order they were queued."""
    found = [job for job in queue.jobs() if job.spec.run and job.spec.run.startswith(run)]
    if len({job.spec.run for job in found}) > 1:
        raise WorkflowError(f"{run!r} may be {', '.join(sorted({job.spec.run for job in found}))}; write more of it")
    return found[::-1]
