"""How a command reaches nodes and finds the session that is meant: short-lived links, each with a time limit."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from node_agent.protocol.entities import SessionInfo
from relaytui.cli.output import narrate
from relaytui.cli.prompt import terminal_prompter
from relaytui.config import Config, NodeConfig, Upgrade, load_config
from relaytui.config.paths import pictures_dir
from relaytui.fleet.keys import SessionKey, resolve_id
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from relaytui.link.errors import AgentTooOld, LinkError
from relaytui.link.versions import is_older, is_ours_to_replace, is_replaced_unasked

if TYPE_CHECKING:
    from relaytui.hub.cache import CachedNode

T = TypeVar("T")

SURVEY_SECONDS = 2.0
"""How long a command that asks several nodes waits for one of them."""


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; SIGTERM and SIGHUP end it in order, so that terminals are given back."""

    async def supervised() -> T:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await work

    try:
        return asyncio.run(supervised())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@dataclass
class Survey:
    """The sessions of all nodes that answered, their links still open, and why the others did not."""

    clients: dict[str, NodeClient] = field(default_factory=dict)
    sessions: dict[SessionKey, SessionInfo] = field(default_factory=dict)
    missing: dict[str, LinkError] = field(default_factory=dict)

    def find(self, word: str | None) -> SessionKey:
        """The session `word` means; raises UnknownId or AmbiguousId."""
        return resolve_id(word, [(key, session.title) for key, session in self.sessions.items()])

    def remembered(self) -> dict[str, CachedNode]:
        """What the nodes that did not answer showed a console or hub last, where one was there to see."""
        if not self.missing:
            return {}
        from relaytui.hub.cache import Cache  # seldom needed

        cache = Cache(pictures_dir())
        found = {alias: cache.load(alias, with_screens=False) for alias in self.missing}
        answered = {client.node.uuid for client in self.clients.values()}  # under another name, perhaps
        return {
            alias: kept for alias, kept in found.items() if kept is not None and kept.hello.node.uuid not in answered
        }

    def report_missing(self) -> None:
        """Say on stderr which nodes did not answer and why."""
        for alias, error in sorted(self.missing.items()):
            text = str(error)
            narrate(text if text.startswith(f"{alias}:") else f"{alias}: {text}")


@asynccontextmanager
async def connected(config: Config, node: NodeConfig, *, watch: bool = False) -> AsyncIterator[NodeClient]:
    """A link to one node for the length of the block, its questions put to the operator; raises a LinkError.

    An older agent is replaced first, where the node's config says so, or the operator is told what replaces it.
    """
    async with AsyncExitStack() as stack:
        open_link = partial(open_node, node, operator=config.operator, prompter=terminal_prompter(), watch=watch)
        try:
            client = await stack.enter_async_context(open_link())
            is_old = is_older(client.node.agent.version)
        except AgentTooOld:
            if not is_replaced_unasked(node):
                raise
            is_old = True
        if is_old and is_replaced_unasked(node):
            await stack.aclose()
            await _upgrade(config, node)
            client = await stack.enter_async_context(open_link())
        elif is_old and node.upgrade is Upgrade.ASK and is_ours_to_replace(node):
            narrate(f"{node.alias}: its agent is older than this program; `relaytui node upgrade {node.alias}`")
        yield client


async def _upgrade(config: Config, node: NodeConfig) -> None:
    from relaytui.link.joining import Attendant, upgrade_node  # with the bundle builder, which is seldom needed

    def tell(text: str, share: float | None) -> None:
        if share is None:
            narrate(f"{node.alias}: {text}")

    await upgrade_node(node, Attendant(config.operator, tell, terminal_prompter()))


@asynccontextmanager
async def surveyed(config: Config, nodes: Iterable[NodeConfig], *, watch: bool = False) -> AsyncIterator[Survey]:
    """Ask all nodes at once for their sessions, each for at most `SURVEY_SECONDS` and without questions."""
    survey = Survey()
    nodes = list(nodes)
    async with AsyncExitStack() as stack:

        async def ask(node: NodeConfig) -> None:
            link = open_node(node, operator=config.operator, watch=watch, timeout=SURVEY_SECONDS)
            try:
                survey.clients[node.alias] = await stack.enter_async_context(link)
            except LinkError as error:
                survey.missing[node.alias] = error

        await asyncio.gather(*(ask(node) for node in nodes))
        for node in nodes:
            if (client := survey.clients.get(node.alias)) is not None:
                survey.sessions.update(_sessions_of(node.alias, client))
        yield survey


@dataclass
class Target:
    """The session a command acts on and the link to its node."""

    client: NodeClient
    key: SessionKey
    session: SessionInfo


@asynccontextmanager
async def target(word: str | None, *, watch: bool = False) -> AsyncIterator[Target]:
    """Find the session `word` means, asking only its node where `word` begins with one.

    `watch` has the node's notices delivered. Raises UnknownId or AmbiguousId; nodes that did not answer are said on
    stderr, since what is meant may be theirs.
    """
    config = load_config()
    nodes = candidates(config, word)
    if len(nodes) == 1:
        async with connected(config, nodes[0], watch=watch) as client:
            survey = Survey({nodes[0].alias: client}, _sessions_of(nodes[0].alias, client))
            key = survey.find(word)
            yield Target(client, key, survey.sessions[key])
        return
    async with surveyed(config, nodes, watch=watch) as survey:
        survey.report_missing()
        key = survey.find(word)
        yield Target(survey.clients[key.node], key, survey.sessions[key])


def candidates(config: Config, word: str | None) -> tuple[NodeConfig, ...]:
    """The node that `word` begins with, or all."""
    alias, slash, _ = (word or "").partition("/")
    named = tuple(node for node in config.nodes if slash and node.alias == alias)
    return named or config.nodes


def _sessions_of(alias: str, client: NodeClient) -> dict[SessionKey, SessionInfo]:
    """The sessions the node named when it said hello a moment ago."""
    assert client.hello is not None
    return {SessionKey(alias, session.id): session for session in client.hello.sessions}
