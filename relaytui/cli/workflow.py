"""`relaytui workflow`: several jobs that need each other, from one TOML file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.jobs import HEADINGS, job_json, job_row, opened_queue, wait_for_jobs
from relaytui.cli.output import narrate, print_json, print_table
from relaytui.config import config_dir, load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.workflow import Workflow

P = ParamSpec("P")
T = TypeVar("T")


@click.group(cls=CommandGroup)
def workflow() -> None:
    """Run jobs that need each other, each on a node that has what it needs.

    A workflow is named by its file, or by the file's name without .toml where it is in the directory `workflows`
    beside the config.
    """


@workflow.command()
@click.argument("names", metavar="WORKFLOW...", nargs=-1, required=True)
def check(names: tuple[str, ...]) -> None:
    """Check workflows without running them; the first fault is said with its place."""
    from relaytui.hub.jobs.runs import check_runnable

    for name in names:
        found = load_workflow(name)
        if not found.deploy:  # what a deploy is given is known when it is run
            refusing(check_runnable, found)
        steps = "a job through every node" if found.smoke else f"{len(found.steps)} steps"
        narrate(f"{found.name}: {steps}, no fault")


@workflow.command()
@click.argument("name", metavar="WORKFLOW")
@click.option("--wait", is_flag=True, help="Wait for its end; the exit code is 3 unless every step is done.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of its jobs.")
def run(name: str, wait: bool, as_json: bool) -> int:
    """Queue the steps of a workflow and print the run's id."""
    from relaytui.hub.jobs.runs import submit_run
    from relaytui.hub.jobs.states import JobState

    found, config = load_workflow(name), load_config()
    nodes = [node.alias for node in config.nodes]
    with opened_queue(dispatched=True) as queue:
        identity, jobs = refusing(submit_run, queue, found, config.operator, time.time(), nodes=nodes)
    if not as_json:
        print(identity, flush=True)
    if wait:
        with opened_queue() as queue:
            wait_for_jobs(queue, [job.id for job in jobs])
            jobs = [queue.get(job.id) for job in jobs]
    if as_json:
        print_json([job_json(job) for job in jobs])
    elif wait:
        print_table(("STEP", *HEADINGS), [(job.spec.step, *job_row(job)) for job in jobs])
    return Exit.OK if not wait or all(job.state is JobState.DONE for job in jobs) else Exit.PARTIAL


@workflow.command("ls")
def ls() -> None:
    """List the workflows in the config's directory."""
    rows = []
    for path in sorted(_directory().glob("*.toml")):
        try:
            found = load_workflow(str(path))
        except CommandError as error:
            rows.append((path.stem, "✗", "", str(error)))
        else:
            rows.append((path.stem, "smoke" if found.smoke else str(len(found.steps)), found.schedule, found.name))
    if rows:
        print_table(("WORKFLOW", "STEPS", "SCHEDULE", "NAME"), rows)


@workflow.command()
@click.argument("identity", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print a list of its jobs.")
def show(identity: str, as_json: bool) -> None:
    """Show the jobs of a run."""
    from relaytui.hub.jobs.runs import jobs_of_run

    with opened_queue() as queue:
        jobs = refusing(jobs_of_run, queue, identity)
    if not jobs:
        raise CommandError(f"there is no run {identity!r}; `relaytui job ls --json` names each job's", Exit.UNKNOWN_ID)
    if as_json:
        print_json([job_json(job) for job in jobs])
    else:
        print_table(("STEP", *HEADINGS), [(job.spec.step, *job_row(job)) for job in jobs])


def _directory() -> Path:
    return config_dir() / "workflows"


def load_workflow(name: str) -> Workflow:
    """The workflow in the file `name`, or of that name in the config's directory; raises CommandError."""
    from relaytui.hub.jobs.workflow import parse_workflow

    path = Path(name) if name.endswith(".toml") or "/" in name else _directory() / f"{name}.toml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise CommandError(
            f"{path}: cannot be read: {reason}; name a file or one of `relaytui workflow ls`", Exit.CONFIG
        ) from error
    return refusing(parse_workflow, text, str(path))


def refusing(call: Callable[P, T], *values: P.args, **options: P.kwargs) -> T:
    """What `call` returns; a fault of the workflow ends the command."""
    from relaytui.hub.jobs.workflow import WorkflowError

    try:
        return call(*values, **options)
    except WorkflowError as error:
        raise CommandError(str(error), Exit.CONFIG) from error
