"""Plain `relaytui`: the console, joined to the core and to attach."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from relaytui.attach.session import attach
from relaytui.cli.attach import options_of, outcome_words
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.reach import run_async
from relaytui.config import Config, NodeConfig, load_config, save_config, state_dir
from relaytui.config.paths import policy_ledger
from relaytui.console import Console, ConsoleOptions
from relaytui.fleet.changes import Change
from relaytui.fleet.keys import SessionKey
from relaytui.hub.core import Core
from relaytui.hub.jobs.board import QueueBoard
from relaytui.hub.ledger import Entry, Ledger
from relaytui.link.connect import shared_connector_for
from relaytui.link.joining import Attendant, add_node
from relaytui.link.prompts import Prompt, Prompter
from relaytui.logs import log_to
from relaytui.notify.notifier import Notifier
from relaytui.screens.services import Services
from relaytui.widgets.theme import ThemeError

_CONNECT_SECONDS = 10.0


def open_console(filter_text: str, *, is_ascii: bool = False) -> int:
    """Run the console until the operator quits; returns its exit code. Raises ConfigError and FilterError."""
    config = load_config()
    log_to(state_dir() / "console.log")

    async def ask(prompt: Prompt) -> str | None:
        return await console.ask(prompt)

    core = Core(config, prompter=ask, connect=shared_connector_for)

    async def join(key: SessionKey) -> str:
        options = replace(options_of(config), prefix=console.context.prefix)
        return outcome_words(key, await attach(core.link(key.node), key, options))

    options = ConsoleOptions(
        theme=config.ui.theme,
        ascii_only=is_ascii or config.ui.ascii,
        order=config.ui.order.value,
        filter=filter_text,
        prefix=config.ui.prefix,
        interval=config.ui.interval,
        bell=config.ui.bell,
        operator=config.operator,
    )
    board = QueueBoard(config, core.fleet, core.now)
    try:
        console = Console(core, options, join, _services(config, core, ask, board))
    except ThemeError as error:
        raise CommandError(f"ui.theme: {error}", Exit.CONFIG) from error

    notifier = Notifier(
        core,
        config.channels,
        write=console.notify_terminal,
        has_terminal=console.has_terminal,
        looking=console.is_looking_at,
    )

    async def run() -> int:
        notifier.start()
        try:
            await console.run_async()
        finally:
            await notifier.stop()
            await core.stop()
            board.close()
        return console.return_code or 0

    gc.freeze()  # what is there now stays: no search for garbage need look at it again
    return run_async(run())


def _services(config: Config, core: Core, ask: Prompter, board: QueueBoard) -> Services:
    """What the console can do besides showing the fleet."""

    async def add_machine(node: NodeConfig, attendant: Attendant) -> None:
        await add_node(node, replace(attendant, prompter=ask))
        await _connect(core, node, attendant)

    async def decisions() -> Sequence[Entry]:
        return await asyncio.to_thread(Ledger(policy_ledger()).entries)

    async def keep_prefix(prefix: str) -> None:
        await asyncio.to_thread(_keep_prefix, prefix)

    async def demo() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "relaytui", "demo")
        await process.wait()

    return Services(
        jobs=board,
        add_machine=add_machine,
        restart_for=config.restart_for,
        environment=dict(os.environ),
        colors=config.ui.colors,
        rules=config.rules,
        decisions=decisions,
        demo=demo,
        keep_prefix=keep_prefix,
    )


async def _connect(core: Core, node: NodeConfig, attendant: Attendant) -> None:
    """Have the console show a new node, and wait for a moment until it can be used."""
    connected = asyncio.Event()

    def note(_: list[Change]) -> None:
        if core.fleet.nodes[node.alias].status.is_live:
            connected.set()

    attendant.tell("connecting the console", None)
    unsubscribe = core.subscribe(note)
    try:
        core.add_node(node)
        async with asyncio.timeout(_CONNECT_SECONDS):
            await connected.wait()
    except TimeoutError:
        attendant.tell("not connected yet; it is tried again and again", None)
    finally:
        unsubscribe()


def _keep_prefix(prefix: str) -> None:
    """Write the operator's choice into the config as it is by now."""
    config = load_config()
    save_config(replace(config, ui=replace(config.ui, prefix=prefix)))
