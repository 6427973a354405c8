"""`relaytui attach`: the caller's terminal joined to a session."""

from __future__ import annotations

import asyncio

import click

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.notices import Notice
from node_agent.terminal.attach_filter import ClipboardPolicy
from node_agent.terminal.prefix import DEFAULT_PREFIX
from relaytui.attach.session import AttachOptions, Leaving, Outcome, attach
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.output import narrate
from relaytui.cli.prompt import terminal_prompter
from relaytui.cli.reach import candidates, run_async, surveyed
from relaytui.config import Config, NodeConfig, load_config
from relaytui.fleet.keys import SessionKey, resolve_id
from relaytui.fleet.status import NodeStatus
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates, shared_connector_for
from relaytui.link.prompts import Desk
from relaytui.link.supervisor import LinkOptions, NodeLink


@click.command("attach")
@click.argument("session", metavar="[ID]", required=False)
@click.option("--read-only", is_flag=True, help="Watch; nothing typed reaches the session.")
@click.option("--steal", is_flag=True, help="Take over from whoever types there now.")
def attach_command(session: str | None, read_only: bool, steal: bool) -> None:
    """Attach this terminal to a session, full screen.

    The prefix, ctrl+] unless configured, then d leaves; then ? lists what else there is. The session runs on.
    """
    config = load_config()
    run_async(_attach(config, session, read_only=read_only, steal=steal))


def attach_to(config: Config, key: SessionKey) -> None:
    """Attach to a session just started."""
    run_async(_attach(config, str(key)))


class _Patience:
    """Hears of the link until it is up for the first time; from then on attach looks at the link itself."""

    def __init__(self) -> None:
        self.is_up = asyncio.Event()
        self.has_failed = asyncio.Event()

    def link_status(self, node: str, status: NodeStatus) -> None:
        if status.error:
            self.has_failed.set()

    def link_up(self, node: str, client: NodeClient) -> None:
        self.is_up.set()

    def link_notice(self, node: str, notice: Notice) -> None:
        """Attach shows bytes; the node's news are the console's."""

    def link_event(self, node: str, record: EventRecord) -> None:
        """As above."""


async def _attach(config: Config, word: str | None, *, read_only: bool = False, steal: bool = False) -> None:
    nodes = candidates(config, word)
    if len(nodes) > 1:
        async with surveyed(config, nodes) as survey:
            survey.report_missing()
            key = survey.find(word)
        word, node = str(key), config.node(key.node)
    else:
        node = nodes[0]
    link = await _open_link(config, node)
    try:
        key = _find(link, word)
        outcome = await attach(link, key, options_of(config, read_only=read_only, steal=steal))
    finally:
        await link.stop()
    if outcome.leaving is Leaving.TERMINAL_GONE:
        raise CommandError(outcome_words(key, outcome), Exit.NO_TERMINAL)
    narrate(outcome_words(key, outcome))


def options_of(config: Config, *, read_only: bool = False, steal: bool = False) -> AttachOptions:
    """How the operator's config has sessions attached."""
    return AttachOptions(
        prefix=config.ui.prefix or DEFAULT_PREFIX,
        clipboard=ClipboardPolicy(config.ui.clipboard.value),
        read_only=read_only,
        steal=steal,
    )


async def _open_link(config: Config, node: NodeConfig) -> NodeLink:
    """A link that is up; raises the LinkError of its first try."""
    patience = _Patience()
    desk = Desk(node.alias, terminal_prompter())
    options = LinkOptions(client="cli", operator=config.operator)
    link = NodeLink(node.alias, shared_connector_for(node, desk, Gates()), patience, options, desk=desk)
    link.start()
    waits = [asyncio.create_task(event.wait()) for event in (patience.is_up, patience.has_failed)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if not patience.is_up.is_set() and (error := link.error) is not None:
        await link.stop()
        raise error
    return link


def _find(link: NodeLink, word: str | None) -> SessionKey:
    hello = link.client.hello if link.client else None
    sessions = hello.sessions if hello else ()
    return resolve_id(word, [(SessionKey(link.node, session.id), session.title) for session in sessions])


def outcome_words(key: SessionKey, outcome: Outcome) -> str:
    """How attach ended, as one line."""
    match outcome.leaving:
        case Leaving.DETACHED:
            return f"left {key}; it runs on"
        case Leaving.ENDED:
            return f"{key} has ended{': ' + outcome.reason if outcome.reason else ''}"
        case Leaving.TERMINAL_GONE:
            return f"the terminal is gone; {key} runs on"
