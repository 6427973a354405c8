"""Where this operator's jobs are queued, and the process that dispatches them while there are any."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from node_agent.protocol.alerts import RaiseAlert
from node_agent.protocol.errors import RequestError
from node_agent.protocol.states import AlertKind
from relaytui.config import Config, config_dir, state_dir
from relaytui.fleet.status import NodeState
from relaytui.hub.core import Core
from relaytui.hub.jobs.dispatcher import JobDispatcher
from relaytui.hub.jobs.queue import JobQueue, QueueError
from relaytui.hub.jobs.runs import run_due
from relaytui.hub.jobs.smoke import FailedRun, failed_runs
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import FINAL, JobState
from relaytui.link.connect import shared_connector_for
from relaytui.link.errors import LinkError

IDLE_SECONDS = 60.0
"""How long a dispatcher that was started on demand stays when no job is left."""

_FREE_AGAIN = 5.0
_SCHEDULE_EVERY = 10.0
_NEWEST = 500
_NEWS_SECONDS = 3600.0
"""Jobs among which failed smokes are looked for, and for how long they are news: a hub may just have been started."""

_log = logging.getLogger(__name__)

_OPEN = sorted(set(JobState) - FINAL)


def open_queue(config: Config) -> JobQueue:
    """The queue the config names; raises QueueError."""
    if config.jobs.queue:
        try:
            from relaytui.hub.jobs.postgres import PostgresQueue
        except ImportError as error:
            raise QueueError("a queue on PostgreSQL needs psycopg; install relaytui[postgres]") from error
        return PostgresQueue(config.jobs.queue)
    return SqliteQueue(state_dir() / "jobs" / "queue.db")


@asynccontextmanager
async def core_for_jobs(config: Config) -> AsyncIterator[Core]:
    """Links to all nodes, over a hub's logins where one runs, without a cache that a console also writes."""
    core = Core(config, client="hub", cache=state_dir() / "jobs" / "cache", connect=shared_connector_for)
    await core.start()
    try:
        yield core
    finally:
        await core.stop()


def dispatcher_for(config: Config, core: Core, queue: JobQueue, holder: str = "") -> JobDispatcher:
    slots = {node.alias: node.slots for node in config.nodes if node.slots}
    return JobDispatcher(core, queue, holder=holder, slots=slots, lost_after=config.jobs.lost_after)


async def until_known(core: Core, seconds: float) -> None:
    """Wait until each node has said what it is or cannot, for `seconds` at most."""
    deadline = time.monotonic() + seconds
    nodes = core.fleet.nodes
    while any(
        node.status.state in (NodeState.CONNECTING, NodeState.OFF) or (node.status.is_live and not node.facts.facts)
        for node in nodes.values()
    ):
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.02)


@asynccontextmanager
async def dispatching(config: Config, core: Core) -> AsyncIterator[bool]:
    """Dispatch jobs over `core` for the length of the block; False where another process of this operator does.

    Raises QueueError.
    """
    lock = _lock()
    if lock is None:
        yield False
        return
    with ExitStack() as stack:
        stack.callback(os.close, lock)
        queue = open_queue(config)
        stack.callback(queue.close)
        dispatcher = dispatcher_for(config, core, queue, _holder(lock))
        await dispatcher.start()
        try:
            yield True
        finally:
            await dispatcher.stop()


async def dispatch(config: Config, *, until_idle: bool) -> bool:
    """Dispatch jobs until cancelled, or with `until_idle` until none has been left for a while.

    False when another process of this operator does it already.
    """
    async with core_for_jobs(config) as core, dispatching(config, core) as is_ours:
        if is_ours:
            await _stay(config, until_idle=until_idle)
        return is_ours


async def dispatch_whenever_free(config: Config, core: Core) -> None:
    """Dispatch jobs over a hub's links until cancelled, from when nobody else of this operator does."""
    while True:
        try:
            async with dispatching(config, core) as is_ours:
                if is_ours:
                    await _run_schedules(config, core)
        except (QueueError, OSError) as error:
            _log.warning("jobs are not dispatched: %s", error)
        await asyncio.sleep(_FREE_AGAIN)


async def _stay(config: Config, *, until_idle: bool) -> None:
    queue, idle_since = open_queue(config), time.monotonic()
    try:
        while not until_idle or time.monotonic() - idle_since < IDLE_SECONDS:
            await asyncio.sleep(5.0)
            try:
                is_idle = not await asyncio.to_thread(queue.jobs, _OPEN, 1)
            except QueueError as error:
                _log.warning("whether jobs are left is not known: %s", error)
                is_idle = False
            if not is_idle:
                idle_since = time.monotonic()
    finally:
        await asyncio.to_thread(queue.close)  # a cancelled call may still be under way


async def _run_schedules(config: Config, core: Core) -> None:
    """Queue what comes due and raise alerts of smokes that failed, until cancelled."""
    queue, nodes, told = open_queue(config), [node.alias for node in config.nodes], set[str]()
    try:
        while True:
            await asyncio.to_thread(run_due, queue, config_dir() / "workflows", config.operator, time.time(), nodes)
            jobs = await asyncio.to_thread(queue.jobs, (), _NEWEST)
            recent = [job for job in jobs if time.time() - (job.ended or job.changed) < _NEWS_SECONDS]
            for failed in failed_runs(recent):
                if failed.run not in told and await _raise_alert(core, failed):
                    told.add(failed.run)
            await asyncio.sleep(_SCHEDULE_EVERY)
    finally:
        await asyncio.to_thread(queue.close)  # a cancelled call may still be under way


async def _raise_alert(core: Core, failed: FailedRun) -> bool:
    """Raise it on the first node that takes it, as notifiers do what no node can tell; again is the same alert."""
    live = [node for node in core.fleet.nodes.values() if node.status.is_live and not node.duplicate_of]
    for _, alias in sorted((node.info.uuid, node.alias) for node in live if node.info is not None):
        alert = RaiseAlert(f"smoke/{failed.run}", AlertKind.FAILURE, failed.title, failed.body)
        try:
            await core.request(alias, alert)
        except (LinkError, RequestError) as error:
            _log.info("%s cannot be raised on %s: %s", failed.title, alias, error)
        else:
            return True
    return False


def ensure_dispatcher() -> None:
    """Have a process dispatch jobs: start one unless there is one. It outlives this one."""
    lock = _lock()
    if lock is None:
        return
    os.close(lock)
    directory = _directory()
    with open(os.open(directory / "dispatcher.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "relaytui", "job", "dispatch", "--until-idle"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    process.returncode = 0  # it goes on without us: nobody is to wait for it


def _lock() -> int | None:
    """The lock of the one process that dispatches, or None where that is another."""
    lock = os.open(_directory() / "dispatcher.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _holder(lock: int) -> str:
    """The name under which this operator's dispatcher holds claims: kept, so that a killed one's go on at once.

    Only who has the lock may use it.
    """
    kept = os.pread(lock, 64, 0).decode("ascii", "replace").strip()
    if not kept:
        kept = secrets.token_hex(8)
        os.pwrite(lock, kept.encode(), 0)
    return kept


def _directory() -> Path:
    directory = state_dir() / "jobs"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory
