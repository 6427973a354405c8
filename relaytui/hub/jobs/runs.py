"""Puts a workflow's steps into the queue as jobs: one run, each job waiting for those it needs."""

from __future__ import annotations

import dataclasses
import logging
import secrets
from datetime import datetime
from pathlib import Path

from relaytui.hub.jobs.deploys import given_values
from relaytui.hub.jobs.model import Claim, Job, Transfer
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.schedule import last_due
from relaytui.hub.jobs.workflow import Workflow, WorkflowError, parse_workflow

_log = logging.getLogger(__name__)


def check_runnable(workflow: Workflow) -> None:
    """Raise WorkflowError for what cannot be run here yet rather than run half of it."""
    if missing := sorted(given_values(workflow)):
        raise WorkflowError(
            f"{workflow.name}: needs {', '.join(missing)}; use `relaytui deploy {workflow.name} --set {missing[0]}=…`"
        )


def submit_run(
    queue: JobQueue, workflow: Workflow, operator: str, now: float, claim: Claim | None = None
) -> tuple[str, list[Job]]:
    """Queue all steps or none; the run's id and its jobs in the workflow's order. Raises WorkflowError.

    With `claim` it is the run of a schedule; without any job when somebody else has that.
    """
    check_runnable(workflow)
    run, ids = secrets.token_hex(4), {step.name: secrets.token_hex(4) for step in workflow.steps}
    specs = {}
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
    return run, queue.submit_all(specs, now, claim=claim)


def run_due(queue: JobQueue, directory: Path, operator: str, now: float) -> list[str]:
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
                run, jobs = submit_run(queue, workflow, operator, now, claim)
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
