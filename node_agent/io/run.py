"""Puts an agent together, runs it until it is told to end, and takes it apart again."""

from __future__ import annotations

import asyncio
import functools
import logging
import logging.handlers
import resource
import signal
import sys
from pathlib import Path
from typing import Optional

from node_agent.core.rights import Rights
from node_agent.handlers import dispatch, session_start
from node_agent.handlers.context import Context
from node_agent.io import alert_records, answer_records, jobs, records
from node_agent.io.adoption import Adoption
from node_agent.io.agent import Agent
from node_agent.io.alert_sender import AlertSender
from node_agent.io.alerts import Alerts
from node_agent.io.answering import Answering
from node_agent.io.clock import Clock
from node_agent.io.deploys import Deploys
from node_agent.io.failure import NOT_STARTED, failure_of
from node_agent.io.jobs import Jobs
from node_agent.io.keeper_client import KeeperError
from node_agent.io.keyboard import Keyboard
from node_agent.io.live_session import LiveSession
from node_agent.io.open_asks import OpenAsks
from node_agent.io.outside import OutsideAsks
from node_agent.io.paths import NodePaths, allow_list_file, rules_directory, state_root
from node_agent.io.restarts import Restarts
from node_agent.io.rule_files import RuleFiles
from node_agent.io.rule_watch import follow_rules
from node_agent.io.screens import Screens
from node_agent.io.server import Server
from node_agent.io.settings import Settings
from node_agent.io.start import serve_command, write_wrapper
from node_agent.io.store import Store, StoreError
from node_agent.keeper.control import ControlError
from node_agent.protocol.sessions import StartSession

log = logging.getLogger(__name__)

PRUNE_EVERY = 3600.0
_LOG_BYTES = 2 * 1024 * 1024


def run(paths: NodePaths, state: Optional[Path]) -> int:
    """Serve the node of `paths` until told to end; the exit code. Its lock is held. Raises OSError."""
    _raise_file_limit()
    _log_to(paths.agent_log)
    try:
        return asyncio.run(_serve(paths, state))
    except (StoreError, KeeperError, ControlError) as error:
        sys.stderr.write(f"{NOT_STARTED}: {error}\n")
        return failure_of(error)


async def _serve(paths: NodePaths, state: Optional[Path]) -> int:
    clock = Clock()
    store = Store(paths.database)
    await store.open()
    agent = Agent(paths, clock, store, serve_command(state))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, agent.stop, f"signal {number}")
    screens = Screens(agent)
    settings = Settings(agent)
    alerts = Alerts(agent, settings)
    rules = RuleFiles(rules_directory())

    async def begin(request: StartSession) -> LiveSession:
        return await session_start.begin(context, request)

    restarts = Restarts(agent, alerts, begin)
    adoption = Adoption(agent, screens, rules, alerts, settings, restarts)
    outside = OutsideAsks(agent, alerts, settings)
    asks = OpenAsks(agent, outside, alerts, settings)
    settings.on_change = asks.apply_settings
    keyboard = Keyboard(agent, screens)
    answering = Answering(agent, keyboard, asks, restarts, settings)
    deploys = Deploys(agent, allow_list_file())
    attempts = Jobs(agent)
    context = Context(
        agent, adoption, keyboard, outside, settings, alerts, asks, answering, attempts, deploys, restarts
    )
    server = Server(context, dispatch)
    try:
        write_wrapper(paths, state if state is not None else state_root())
        oldest, last = await agent.write(records.event_range)
        agent.events.oldest, agent.events.last = oldest, last
        await settings.restore()
        await alerts.restore()
        await outside.restore()
        await adoption.connect()
        await server.start(paths.agent_socket, Rights.ALL)
        await server.start(paths.deploy_socket, Rights.DEPLOYS)
        log.info("agent %d of %s serves at %s", store.epoch, store.uuid, paths.agent_socket)
        agent.tasks.spawn(adoption.stay_connected(), name="keeper")
        agent.tasks.spawn(restarts.run(), name="restarts")
        agent.tasks.spawn(agent.send_facts(), name="facts")
        agent.tasks.spawn(follow_rules(agent, rules), name="rules")
        agent.tasks.spawn(outside.watch(), name="outside")
        agent.tasks.spawn(screens.save_now_and_then(), name="save screens")
        agent.tasks.spawn(AlertSender(agent, alerts, settings).run(), name="alerts")
        agent.tasks.spawn(_drop_old(agent, attempts), name="retention")
        await agent.stopping.wait()
        log.info("ending: %s", agent.stop_reason)
    finally:
        await server.stop()
        await screens.stop()
        await agent.tasks.stop()
        for session in agent.sessions.values():
            session.close()
        await adoption.close()
        await store.close()
    return 0


async def _drop_old(agent: Agent, attempts: Jobs) -> None:
    while True:
        try:
            now = agent.clock.now()
            agent.events.oldest = await agent.write(functools.partial(records.drop_old_events, now=now))
            await agent.write(functools.partial(alert_records.drop_old, wall=now.wall))
            await agent.write(functools.partial(answer_records.drop_old, wall=now.wall))
            await agent.write(functools.partial(jobs.drop_old, wall=now.wall))
            await attempts.drop_directories()
        except StoreError as error:
            log.warning("%s", error)
        await asyncio.sleep(PRUNE_EVERY)


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _raise_file_limit() -> None:
    """Three files a session and one a client: the usual soft limit of 1,024 is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS refuses its own "unlimited"
        log.info("the limit of open files stays %d", soft)
