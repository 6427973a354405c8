"""`relaytui node add` and `node upgrade`: from a machine with sshd and Python to a node, said step by step."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click

import node_agent
from node_agent.bundle import BundleError
from node_agent.protocol.entities import NodeInfo
from relaytui.cli.output import clean, narrate
from relaytui.cli.prompt import terminal_prompter
from relaytui.cli.reach import run_async
from relaytui.config import LOCAL, Config, ConfigError, NodeConfig, Resolver, Transport, load_config, save_config
from relaytui.link.bootstrap import Arrival, bootstrap
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from relaytui.link.errors import HostKeyUnknown, InstallFailed
from relaytui.link.prompts import Desk

T = TypeVar("T")

SYSTEM_AGENT = "node-agent"
_UPGRADE_SECONDS = 30.0


@click.command()
@click.argument("words", metavar="[NAME] HOST", nargs=-1, required=True)
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A capability of the machine; may be repeated.")
@click.option("--transport", type=click.Choice([item.value for item in Transport]), help="How it is reached.")
@click.option("--via", metavar="unix:PATH", help="An agent's socket on this machine, instead of a host.")
@click.option("--resolver", default="", metavar="tailscale|command:CMD", help="Who knows HOST's address, if not ssh.")
@click.option("--system", is_flag=True, help="Use the node-agent installed there; push nothing.")
@click.option("--agent", default="", metavar="COMMAND", help="The agent command there; push nothing.")
@click.option("--python", default="", metavar="PATH", help="The Python there that runs the agent; found unless given.")
@click.option("--state", default="", metavar="DIR", help="Where agent and state live there, on a local disk.")
@click.option("--boot", is_flag=True, help="Have the agent started with the machine, by systemd or cron.")
@click.option("--accept-key", metavar="FINGERPRINT", help="Trust this host key (SHA256:…) if it is unknown.")
@click.option("--later", is_flag=True, help="Only write it down; do not connect.")
def add(
    words: tuple[str, ...],
    tags: tuple[str, ...],
    transport: str | None,
    via: str | None,
    resolver: str,
    system: bool,
    agent: str,
    python: str,
    state: str,
    boot: bool,
    accept_key: str | None,
    later: bool,
) -> None:
    """Make a machine you reach by ssh under HOST, as ssh knows it, a node.

    It needs sshd and Python 3.9 or newer; the agent is pushed and started. NAME is what it is called here; HOST's
    first label unless given.
    """
    config = load_config()
    added = _node_config(words, tags, transport, via)
    command = SYSTEM_AGENT if system and not agent else agent
    added = dataclasses.replace(added, agent=command, python=python, state=state, **_resolver(resolver))
    if any(known.alias == added.alias for known in config.nodes):
        raise ConfigError(f"there is a node {added.alias!r} already; give another NAME or remove it first")
    if later:
        _save(config, added)
        narrate(f"wrote {added.alias} down; `relaytui node upgrade {added.alias}` puts the agent there")
        return
    run_async(trusting(lambda: arrive(config, added, ["--boot"] if boot else []), accept_key))
    _save(load_config(), added)
    narrate(f"added {added.alias}; `relaytui start --node {added.alias}` starts a session there")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--keeper", is_flag=True, help="Replace the keeper's program in place, too.")
def upgrade(name: str, keeper: bool) -> None:
    """Put this release's agent on a node in place of the one there; sessions go on."""
    config = load_config()
    known = config.node(name)
    if known.socket or (known.agent and known.transport is not Transport.UNIX):
        where = known.socket or known.agent
        raise ConfigError(f"{name}: its agent is {where}, which is not relaytui's to replace; upgrade it there")
    if known.transport is Transport.UNIX:
        run_async(_replace_here(config, known, keeper=keeper))
    else:
        run_async(trusting(lambda: arrive(config, known, _replacing(keeper)), None))


async def arrive(config: Config, node: NodeConfig, options: Sequence[str] = ()) -> NodeInfo:
    """Have an agent run on the node, pushed where that is ours to do, and say what it is. Raises a LinkError.

    `options` are those of `node-agent probe` where it is pushed.
    """
    if node.transport is Transport.UNIX or node.agent:
        async with open_node(node, operator=config.operator, prompter=terminal_prompter()) as client:
            return _introduce(client)
    try:
        arrival = await bootstrap(node, Desk(node.alias, terminal_prompter()), _Steps(node.alias), options)
    except BundleError as error:
        raise InstallFailed(f"{node.alias}: {error}") from error
    client = await NodeClient.connect(
        arrival.stream, node=node.alias, client="cli", operator=config.operator, watch=False
    )
    try:
        _remark(node, arrival, client)
        return _introduce(client)
    finally:
        await client.close()


async def trusting(attempt: Callable[[], Awaitable[T]], accepted: str | None) -> T:
    """Run `attempt`; where the host's key is unknown, once more after the operator has said yes to it."""
    try:
        return await attempt()
    except HostKeyUnknown as question:
        if not await asyncio.to_thread(_may_trust, question, accepted):
            raise
    return await attempt()


def _may_trust(question: HostKeyUnknown, accepted: str | None) -> bool:
    """Put the key on record if the operator says yes to its fingerprint, now or beforehand."""
    from relaytui.link.hostkeys import accept

    if accepted != question.fingerprint:
        if accepted is not None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        narrate(f"the host key of {question.host} is unknown: {question.key.split()[0]} {question.fingerprint}")
        if not click.confirm("Is it the right one?", default=False, err=True):
            return False
    accept(question)
    narrate(f"put the host key on record in {question.known_hosts}")
    return True


class _Steps:
    """Tells the steps on stderr; on a terminal, progress in one line."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._shows_progress = sys.stderr.isatty()

    def __call__(self, text: str, share: float | None) -> None:
        if share is None or (share == 0.0 and not self._shows_progress):
            narrate(f"{self._alias}: {text}")
        elif self._shows_progress:
            end = "\n" if share >= 1 else ""
            print(f"\r{clean(self._alias)}: {clean(text)} {share:4.0%}", end=end, file=sys.stderr, flush=True)


def _remark(node: NodeConfig, arrival: Arrival, client: NodeClient) -> None:
    """Say what will one day matter."""
    if arrival.found.get("noexec"):
        narrate(f"{node.alias}: programs cannot run from its home (noexec); inside sessions use `sh $RELAY_AGENT`")
    if "boot" in arrival.report:
        narrate(f"{node.alias}: its start with the machine: {arrival.report['boot']}")
    running = client.node.agent.version
    if running != node_agent.__version__:
        narrate(f"{node.alias}: agent {running} was running already; `relaytui node upgrade {node.alias}` replaces it")


def _introduce(client: NodeClient) -> NodeInfo:
    info = client.node
    sessions = len(client.hello.sessions) if client.hello else 0
    narrate(f"{client.name}: agent {info.agent.version} serves {info.user} on {info.host}, {sessions} sessions")
    return info


def _replacing(keeper: bool) -> list[str]:
    return ["--replace", *(["--replace-keeper"] if keeper else [])]


async def _replace_here(config: Config, node: NodeConfig, *, keeper: bool) -> None:
    from relaytui.link.unix import start_agent

    await start_agent(node, *_replacing(keeper))
    await arrive(config, node)


def _save(config: Config, added: NodeConfig) -> None:
    save_config(dataclasses.replace(config, nodes=(*config.nodes, added)))


def _resolver(text: str) -> dict[str, Any]:
    """The fields of a node's resolver in `tailscale` or `command:CMD`."""
    kind, _, command = text.partition(":")
    if not text:
        return {}
    if kind not in (Resolver.TAILSCALE, Resolver.COMMAND):
        raise click.BadParameter(f"{text!r} is neither tailscale nor command:CMD", param_hint="--resolver")
    return {"resolver": Resolver(kind), "resolver_command": command}


def _node_config(words: tuple[str, ...], tags: tuple[str, ...], transport: str | None, via: str | None) -> NodeConfig:
    if len(words) > 2 or (via and len(words) != 1):
        raise click.UsageError("give HOST, NAME HOST, or NAME --via unix:PATH")
    if via:
        kind, _, path = via.partition(":")
        if kind != Transport.UNIX.value or not path:
            raise click.BadParameter(f"{via!r} is not unix:PATH", param_hint="--via")
        return NodeConfig(words[0], transport=Transport.UNIX, socket=path, tags=tags)
    host = words[-1]
    user, _, name = host.rpartition("@")
    alias = words[0] if len(words) == 2 else name.split(".")[0]
    if alias == LOCAL:
        raise click.UsageError(f"{LOCAL!r} is this machine; give the node another NAME")
    chosen = Transport(transport) if transport else Transport.ASYNCSSH
    if chosen is Transport.UNIX:
        raise click.UsageError("a node of this machine is NAME --via unix:PATH")
    return NodeConfig(alias, host=name, user=user, transport=chosen, tags=tags)
