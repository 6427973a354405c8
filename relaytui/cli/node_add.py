"""`relaytui node add` and `node upgrade`: from a machine with sshd and Python to a node, said step by step."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from typing import Any

import click

from relaytui.cli.output import clean, narrate
from relaytui.cli.prompt import terminal_prompter
from relaytui.cli.reach import run_async
from relaytui.config import Config, NodeConfig, Resolver, Transport, load_config
from relaytui.link.errors import HostKeyUnknown
from relaytui.link.joining import Attendant, add_node, check_free, node_at, upgrade_node, write_down

SYSTEM_AGENT = "node-agent"
ACCEPT_KEY = "Trust this host key (SHA256:…) if it is unknown; may be repeated, one a hop."
_NO_BOOT = (
    "--boot is for an agent that is pushed now: leave out --later, and `node upgrade NAME --boot` does it then; with "
    "--system, --agent or --via have `node-agent probe --start --boot` run there"
)


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
@click.option("--accept-key", "accepted", metavar="FINGERPRINT", multiple=True, help=ACCEPT_KEY)
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
    accepted: tuple[str, ...],
    later: bool,
) -> None:
    """Make a machine you reach by ssh under HOST, as ssh knows it, a node.

    It needs sshd and Python 3.9 or newer; the agent is pushed and started. NAME is what it is called here; HOST's
    first label, or the whole of an address, unless given.
    """
    if boot and (system or agent or via or later):
        raise click.UsageError(_NO_BOOT)
    added = _node_config(words, tags, transport, via)
    command = SYSTEM_AGENT if system and not agent else agent
    added = dataclasses.replace(added, agent=command, python=python, state=state, **_resolver(resolver))
    if later:
        check_free(added.alias)
        write_down(added)
        narrate(f"wrote {added.alias} down; `relaytui node upgrade {added.alias}` puts the agent there")
        return
    run_async(add_node(added, attendant(load_config(), added, accepted), boot=boot))
    narrate(f"added {added.alias}; `relaytui start --node {added.alias}` starts a session there")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--keeper", is_flag=True, help="Replace the keeper's program in place, too.")
@click.option("--boot", is_flag=True, help="Have the agent started with the machine, by systemd or cron.")
def upgrade(name: str, keeper: bool, boot: bool) -> None:
    """Put this release's agent on a node in place of the one there; sessions go on."""
    config = load_config()
    known = config.node(name)
    run_async(upgrade_node(known, attendant(config, known), keeper=keeper, boot=boot))


def attendant(config: Config, node: NodeConfig, accepted: tuple[str, ...] = ()) -> Attendant:
    """The operator at this command's terminal; `accepted` are fingerprints of host keys they trust beforehand."""

    async def may_trust(question: HostKeyUnknown) -> bool:
        return await asyncio.to_thread(_may_trust, question, accepted)

    return Attendant(config.operator, _Steps(node.alias), terminal_prompter(), may_trust)


def _may_trust(question: HostKeyUnknown, accepted: tuple[str, ...]) -> bool:
    """Whether the operator says yes to the key's fingerprint, now or beforehand."""
    if accepted:
        return question.fingerprint in accepted
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    narrate(f"the host key of {question.host} is unknown: {question.key.split()[0]} {question.fingerprint}")
    return click.confirm("Is it the right one?", default=False, err=True)


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
    chosen = Transport(transport) if transport else Transport.ASYNCSSH
    if chosen is Transport.UNIX:
        raise click.UsageError("a node of this machine is NAME --via unix:PATH")
    return node_at(words[-1], words[0] if len(words) == 2 else "", transport=chosen, tags=tags)
