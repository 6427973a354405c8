"""`relaytui job logs`: from the session while it is there, else what the queue kept of it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from node_agent.protocol.errors import RequestError
from node_agent.protocol.logs import LogLines, ReadLogs
from node_agent.terminal.sanitise import mask_hidden
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.jobs import find_job, opened_queue
from relaytui.cli.output import narrate
from relaytui.cli.reach import run_async, target
from relaytui.config import load_config
from relaytui.fleet.keys import IdError
from relaytui.link.errors import LinkError


@click.command()
@click.argument("name", metavar="JOB")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Of this attempt; the last one unless given.")
def logs(name: str, tail: int | None, attempt: int | None) -> None:
    """Print what a job has printed.

    When its session is gone, or its node does not answer, these are the lines it had when the attempt ended, the last
    256 KiB at most; they stay for 14 days.
    """
    from relaytui.hub.jobs.outputs import kept_output

    with opened_queue() as queue:
        found = find_job(queue, name)
        attempts = queue.attempts(found.id)
        if attempt is not None and attempt > len(attempts):
            had = f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"
            raise CommandError(f"job {found.id} has had {had}; `relaytui job show` lists them", Exit.UNKNOWN_ID)
        printed = [each for each in attempts if each.session and attempt in (None, each.attempt)]
        if not printed:
            which = f"attempt {attempt} of job {found.id}" if attempt else f"job {found.id} is {found.state} and"
            raise CommandError(f"{which} has printed nothing", Exit.UNKNOWN_ID)
        last = printed[-1]
        kept = kept_output(queue, found.id, last.token)
    try:
        lines = run_async(_lines(f"{last.node}/{last.session}", last.node, last.token, tail))
    except (CommandError, IdError, LinkError, RequestError) as error:
        if kept is None:
            raise
        narrate(f"{error}; this is what the queue kept of it")
        lines = kept[max(0, len(kept) - tail) :] if tail is not None else kept
    for line in lines:
        print(mask_hidden(line))


async def _lines(session: str, node: str, token: int, tail: int | None) -> Sequence[str]:
    if all(each.alias != node for each in load_config().nodes):
        raise CommandError(f"{session}: no node {node!r} is in the config; add it again to read there", Exit.UNKNOWN_ID)
    async with target(session) as found:
        if found.session.token != token:  # another machine has taken the name over
            raise CommandError(f"{session}: {node} is another machine now; rename it to read there", Exit.UNKNOWN_ID)
        reply: LogLines = await found.client.request(ReadLogs(found.key.id, tail))
        return reply.lines
