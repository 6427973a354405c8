"""`relaytui job`: work that goes where the capability is."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import click

from node_agent.terminal.sanitise import mask_hidden
from relaytui.cli.exits import Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.job_files import fetched, file_json, file_line, files_to_fetch, files_to_send, get, write_fetched
from relaytui.cli.job_logs import logs
from relaytui.cli.jobs import HEADINGS, find_job, job_json, job_row, opened_queue, wait_for_jobs
from relaytui.cli.output import age, narrate, print_json, print_table
from relaytui.cli.reach import run_async
from relaytui.config import load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.placement import NodeVerdict

_STATES = ["queued", "placed", "starting", "running", "asking", "done", "failed", "cancelled", "lost", "expired"]


@click.group(cls=CommandGroup)
def job() -> None:
    """Queue commands for the nodes that can run them.

    A job runs as a session: its screen is a tile, its question reaches the inbox. Jobs are named by the beginning of
    their id.
    """


@job.command()
@click.option("--requires", default="", metavar="EXPR", help="What the node must have: `gpu`, `mem>=64G, !windows`.")
@click.option("--node", default="", help="Only on this node.")
@click.option("--prefer", metavar="NODE", multiple=True, help="There if it can; may be repeated.")
@click.option("--exclusive", metavar="TAG", multiple=True, help="No other job with this tag at once on the node.")
@click.option("--title", default="", help="A title of your own.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A word to filter its session by.")
@click.option("--cwd", default="", metavar="DIR", help="Its directory on the node; the home directory unless given.")
@click.option("--env", "variables", metavar="NAME=VALUE", multiple=True, help="Set a variable; may be repeated.")
@click.option("--send", metavar="LOCAL[:REMOTE]", multiple=True, help="Put this file there first; may be repeated.")
@click.option("--fetch", metavar="REMOTE[:LOCAL]", multiple=True, help="Bring this file back; may be repeated.")
@click.option("--after", metavar="JOB", multiple=True, help="Only when this job is done; may be repeated.")
@click.option("--priority", default=0, help="Higher goes first.")
@click.option("--retries", type=click.IntRange(0), default=0, help="Try again so often when it fails.")
@click.option("--backoff", type=click.FloatRange(0), default=10.0, help="Seconds before that; doubles each time.")
@click.option("--repeatable", is_flag=True, help="Running it twice does no harm, so a lost one is tried again.")
@click.option("--queue-limit", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Most time in the queue.")
@click.option("--run-limit", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Most time to run.")
@click.option("--ask-limit", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Most time for an answer.")
@click.option("--wait", is_flag=True, help="Wait for its end; the exit code is 3 unless it is done.")
@click.option("--json", "as_json", is_flag=True, help="Print the job as an object.")
@click.argument("command", metavar="-- CMD...", nargs=-1, required=True)
def submit(
    command: tuple[str, ...],
    variables: tuple[str, ...],
    *,
    wait: bool,
    as_json: bool,
    after: tuple[str, ...],
    send: tuple[str, ...],
    fetch: tuple[str, ...],
    **rest: object,
) -> int:
    """Queue a command and print the job's id.

    REMOTE is relative to the job's directory: --cwd, or else one of its own. Files are sent as they are now. Those
    that are brought back stay with the job for 14 days; --wait and `job get` write them here.
    """
    from relaytui.hub.jobs.model import JobSpec
    from relaytui.hub.jobs.requirement import RequirementError, parse_requirement
    from relaytui.hub.jobs.staging import staged

    try:
        parse_requirement(str(rest["requires"]))
    except RequirementError as error:
        raise click.BadParameter(str(error), param_hint="--requires") from None
    config = load_config()
    for alias in (str(rest["node"]), *rest["prefer"]):  # type: ignore[misc]  # click gives a tuple of texts
        if alias:
            config.node(alias)
    env = dict(_assignment(word) for word in variables)
    files = {"send": files_to_send(send), "fetch": files_to_fetch(fetch)}
    spec = JobSpec(command=command, env=env, operator=config.operator, **files, **rest)  # type: ignore[arg-type]  # click checked
    with opened_queue(dispatched=True) as queue:
        needs = tuple(find_job(queue, word).id for word in after)
        new = queue.submit(dataclasses.replace(staged(queue, spec), after=needs), time.time())
    if as_json and not wait:
        print_json(job_json(new))
    elif not as_json:
        print(new.id, flush=True)
    if not wait:
        return Exit.OK
    code = _wait((new.id,), None, as_json=as_json)
    with opened_queue() as queue:
        write_fetched(queue, fetched(queue, queue.get(new.id)), told=not as_json)
    return code


def _assignment(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{word!r} is not NAME=VALUE", param_hint="--env")
    return name, value


@job.command("ls")
@click.option("--state", "states", type=click.Choice(_STATES), multiple=True, help="Only these; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest ones.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def ls(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    from relaytui.hub.jobs.states import JobState

    with opened_queue() as queue:
        jobs = queue.jobs([JobState(state) for state in states], limit)
    if as_json:
        print_json([job_json(each) for each in jobs])
    elif jobs:
        print_table(HEADINGS, [job_row(each) for each in jobs])


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--json", "as_json", is_flag=True, help="Print an object, its attempts and events in it.")
def show(name: str, as_json: bool) -> None:
    """Show a job: what it is, its attempts, all that happened."""
    with opened_queue() as queue:
        found = find_job(queue, name)
        attempts, events, files = queue.attempts(found.id), queue.events(job=found.id), queue.files(found.id)
    if as_json:
        data = job_json(found)
        data["attempts"] = [dataclasses.asdict(each) for each in attempts]
        data["files"] = [file_json(each) for each in files]
        data["events"] = [dataclasses.asdict(each) for each in events]
        print_json(data)
        return
    print_table(HEADINGS, [job_row(found)])
    if found.waited:
        print(f"waited {age(found.waited)} for an answer")
    for each in attempts:
        where = f"{each.node}/{each.session}" if each.session else each.node
        print(
            f"attempt {each.attempt}: {where} {each.outcome}{'' if each.code is None else f', exit code {each.code}'}"
        )
    for file in files:
        print(mask_hidden(file_line(file)))
    for event in events:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
        print(f"{moment}  {event.state.value:9}  {mask_hidden(event.detail)}")


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def why(name: str, as_json: bool) -> None:
    """Say why a job is where it is: for one that is queued, why each node does not run it."""
    from relaytui.hub.jobs.states import JobState

    with opened_queue(dispatched=True) as queue:
        found = find_job(queue, name)
        needs = [queue.get(need) for need in found.spec.after] if found.state is JobState.QUEUED else []
    unmet = [f"needs job {need.id}, which is {need.state}" for need in needs if need.state is not JobState.DONE]
    later = found.not_before - time.time()
    if found.state is not JobState.QUEUED:
        verdicts: tuple[NodeVerdict, ...] = ()
        reasons = [f"it is {found.state}{f': {found.reason}' if found.reason else ''}"]
    else:
        reasons = unmet + ([f"it is tried again in {later:.0f} s: {found.reason}"] if later > 0 else [])
        verdicts = run_async(_verdicts(found.id))
    if as_json:
        nodes = [{"node": each.alias, "reasons": list(each.reasons), "passing": each.passing} for each in verdicts]
        print_json({"id": found.id, "state": found.state.value, "reasons": reasons, "nodes": nodes})
        return
    for reason in reasons:
        print(mask_hidden(reason))
    if verdicts:
        print_table(("NODE", "WHY NOT"), [(each.alias, "; ".join(each.reasons) or "it can") for each in verdicts])


async def _verdicts(name: str) -> tuple[NodeVerdict, ...]:
    from relaytui.hub.jobs.service import core_for_jobs, dispatcher_for, open_queue, until_known

    config = load_config()
    queue = open_queue(config)
    try:
        async with core_for_jobs(config) as core:
            dispatcher = dispatcher_for(config, core, queue)
            try:
                await until_known(core, 5.0)
                return (await dispatcher.explain(queue.get(name))).verdicts
            finally:
                await dispatcher.stop()
    finally:
        queue.close()


@job.command()
@click.argument("names", metavar="JOB...", nargs=-1, required=True)
def cancel(names: tuple[str, ...]) -> None:
    """Take jobs out of the queue, or stop those that run."""
    with opened_queue(dispatched=True) as queue:
        for name in names:
            found = queue.cancel(find_job(queue, name).id, time.time())
            narrate(f"{found.id}: {'asked to stop' if found.cancel_asked and not found.is_final else found.state}")


@job.command()
@click.argument("name", metavar="JOB")
def retry(name: str) -> None:
    """Queue a copy of a job that has ended, and of those that failed because they needed it; print its id."""
    with opened_queue(dispatched=True) as queue:
        print(queue.retry(find_job(queue, name).id, time.time()).id)


job.add_command(logs)
job.add_command(get)


@job.command()
@click.argument("names", metavar="JOB...", nargs=-1, required=True)
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up after this long.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of the jobs.")
def wait(names: tuple[str, ...], timeout: float | None, as_json: bool) -> int:
    """Wait for the end of jobs. The exit code is 3 unless all are done, 8 when the time is over."""
    return _wait(names, timeout, as_json=as_json)


def _wait(names: tuple[str, ...], timeout: float | None, *, as_json: bool) -> int:
    from relaytui.hub.jobs.states import JobState

    with opened_queue(dispatched=True) as queue:
        found = [find_job(queue, name).id for name in names]
    with opened_queue() as queue:
        ended = wait_for_jobs(queue, found, timeout)
    if as_json:
        print_json([job_json(each) for each in ended])
    return Exit.OK if all(each.state is JobState.DONE for each in ended) else Exit.PARTIAL


@job.command(hidden=True)
@click.option("--until-idle", is_flag=True, help="End when no job has been left for a minute.")
def dispatch(until_idle: bool) -> None:
    """Dispatch jobs in the foreground."""
    from relaytui.hub.jobs.service import dispatch as serve

    if not run_async(serve(load_config(), until_idle=until_idle)):
        narrate("another process dispatches jobs already")
