"""The hub: a core without a screen that keeps links, sends alerts, answers by rule, dispatches jobs and lends links."""

from __future__ import annotations

import asyncio
import signal

from relaytui.config import Config
from relaytui.config.paths import hub_socket, policy_ledger
from relaytui.hub.attendant import Attendant
from relaytui.hub.core import Core
from relaytui.hub.jobs.service import dispatch_whenever_free
from relaytui.hub.ledger import Ledger
from relaytui.hub.place import HubLock
from relaytui.hub.share import LinkShare
from relaytui.link.tasks import cancel, spawn
from relaytui.notify.notifier import Notifier


class HubRunsError(Exception):
    """There is a hub already; the message is one line."""

    exit_code = 18


async def run_hub(config: Config) -> None:
    """Run until SIGTERM or SIGINT. Raises HubRunsError."""
    lock = HubLock()
    if not lock.take():
        raise HubRunsError(f"a hub runs already, process {lock.holder()}; `relaytui hub stop` ends it")
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    core = Core(config, client="hub")
    notifier = Notifier(core, config.channels)
    attendant = Attendant(core, config.rules, Ledger(policy_ledger()))
    share = LinkShare(core, hub_socket())
    jobs: asyncio.Task[None] | None = None
    try:
        await core.start()
        notifier.start()
        attendant.start()
        await share.start()
        jobs = spawn(dispatch_whenever_free(config, core), name="jobs")
        await ended.wait()
    finally:
        await cancel(jobs)
        await share.stop()
        await attendant.stop()
        await notifier.stop()
        await core.stop()
        lock.release()
