"""Plain `relaytui`: the console, joined to the core and to attach."""

from __future__ import annotations

from relaytui.attach.session import attach
from relaytui.cli.attach import options_of, outcome_words
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.reach import run_async
from relaytui.config import load_config, state_dir
from relaytui.console import Console, ConsoleOptions
from relaytui.fleet.keys import SessionKey
from relaytui.hub.core import Core
from relaytui.link.connect import shared_connector_for
from relaytui.link.prompts import Prompt
from relaytui.logs import log_to
from relaytui.notify.notifier import Notifier
from relaytui.widgets.theme import ThemeError


def open_console(filter_text: str, *, is_ascii: bool = False) -> int:
    """Run the console until the operator quits; returns its exit code. Raises ConfigError and FilterError."""
    config = load_config()
    log_to(state_dir() / "console.log")

    async def ask(prompt: Prompt) -> str | None:
        return await console.ask(prompt)

    core = Core(config, prompter=ask, connect=shared_connector_for)

    async def join(key: SessionKey) -> str:
        return outcome_words(key, await attach(core.link(key.node), key, options_of(config)))

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
    try:
        console = Console(core, options, join)
    except ThemeError as error:
        raise CommandError(f"ui.theme: {error}", Exit.CONFIG) from error

    notifier = Notifier(core, config.channels, write=console.notify_terminal, looking=console.is_looking_at)

    async def run() -> int:
        notifier.start()
        try:
            await console.run_async()
        finally:
            await notifier.stop()
            await core.stop()
        return console.return_code or 0

    return run_async(run())
