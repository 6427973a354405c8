"""`relaytui smoke`: a job through every node and back, as proof that work reaches each of them."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import click

from relaytui.cli.exits import Exit
from relaytui.cli.jobs import opened_queue
from relaytui.cli.output import print_json, print_table
from relaytui.config import load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.model import Job
    from relaytui.hub.jobs.queue import JobQueue

_GRACE = 2.0
"""Seconds for a dispatcher to say that a job's own limits have passed."""


@click.command()
@click.option("--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds for the whole.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def smoke(timeout: float, as_json: bool) -> int:
    """Send a job through each node and print host and latency.

    The exit code is 3 when a node failed; the reason stands beside it.
    """
    from relaytui.hub.jobs.service import ensure_dispatcher
    from relaytui.hub.jobs.smoke import smoke_spec

    nonce, config = uuid.uuid4().hex, load_config()
    with opened_queue() as queue:
        jobs = {
            node.alias: queue.submit(smoke_spec(node.alias, nonce, timeout, config.operator), time.time()).id
            for node in config.nodes
        }
        ensure_dispatcher()
        results = [_result(alias, job) for alias, job in _ended(queue, jobs, timeout).items()]
    if as_json:
        print_json(results)
    else:
        print_table(("NODE", "RESULT", "HOST", "LATENCY", "REASON"), [_row(result) for result in results])
    return Exit.OK if all(result["passed"] for result in results) else Exit.PARTIAL


def _ended(queue: JobQueue, jobs: dict[str, str], timeout: float) -> dict[str, Job]:
    """The jobs by alias, ended or as they are when the time is over; those are cancelled."""
    deadline = time.monotonic() + timeout + _GRACE
    while True:
        found = {alias: queue.get(name) for alias, name in jobs.items()}
        left = deadline - time.monotonic()
        if left <= 0 or all(job.is_final for job in found.values()):
            break
        queue.wait(min(left, 0.5))
    for job in found.values():
        if not job.is_final:
            queue.cancel(job.id, time.time())
    return found


def _result(alias: str, job: Job) -> dict[str, object]:
    """What a node's job proved: it passed only when what it was given came back from there."""
    from relaytui.hub.jobs.smoke import fault_of

    reason = fault_of(job)
    return {
        "node": alias,
        "passed": not reason,
        "host": job.outputs.get("host", ""),
        "latency": round(job.ended - job.submitted, 4) if not reason and job.ended else None,
        "reason": reason,
    }


def _row(result: dict[str, object]) -> tuple[str, ...]:
    latency = result["latency"]
    shown = f"{latency * 1000:.0f} ms" if isinstance(latency, float) else ""
    word = "✓ passed" if result["passed"] else "✗ failed"
    return str(result["node"]), word, str(result["host"]), shown, str(result["reason"])
