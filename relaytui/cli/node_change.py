"""`relaytui node show`, `rename`, `trust` and `rm`."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import click

from node_agent.protocol.hello import HelloReply
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.node_add import ACCEPT_KEY, attendant
from relaytui.cli.output import narrate, print_json
from relaytui.cli.prompt import terminal_prompter
from relaytui.cli.reach import connected, run_async
from relaytui.config import LOCAL, Config, ConfigError, NodeConfig, Transport, load_config, save_config
from relaytui.link.errors import LinkError
from relaytui.link.joining import trusting
from relaytui.link.prompts import Desk

_GIB = 1 << 30


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def show(name: str, as_json: bool) -> None:
    """Show how a node is reached, what runs there and what its machine is like."""
    config = load_config()
    item = config.node(name)
    found = run_async(_describe(config, item))
    if as_json:
        print_json(found)
        return
    width = max(map(len, found))
    for key, value in found.items():
        print(f"{key:<{width}}  {_plain(value)}")


@click.command()
@click.argument("old", metavar="NAME")
@click.argument("new", metavar="NEW")
def rename(old: str, new: str) -> None:
    """Call a node something else here. Its sessions go on and are then NEW/id."""
    config = load_config()
    known = config.node(old)
    if old == LOCAL:
        raise ConfigError("node 'local' is this machine and always there; nothing was changed")
    if any(item.alias == new for item in config.nodes):
        raise ConfigError(f"there is a node {new!r} already; choose another name")
    renamed = dataclasses.replace(known, alias=new)
    nodes = tuple(renamed if item is known else item for item in config.nodes)
    save_config(dataclasses.replace(config, nodes=nodes))
    narrate(f"{old} is now {new}")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--accept-key", "accepted", metavar="FINGERPRINT", multiple=True, help=ACCEPT_KEY)
def trust(name: str, accepted: tuple[str, ...]) -> None:
    """Look at a node's host key and those of its jump hosts; put on record each unknown one that you say yes to.

    A changed key is refused; the message says how to remove the old one if it was meant to change.
    """
    config = load_config()
    item = config.node(name)
    if item.transport is not Transport.ASYNCSSH:
        raise ConfigError(f"{name}: its transport is {item.transport.value}, which checks no host key here")
    run_async(trusting(lambda: _log_in(item), attendant(config, item, accepted)))
    narrate(f"{name}: its host key is the one on record")


@click.command("rm")
@click.argument("name", metavar="NAME")
@click.option("--stop/--keep", "stop", default=None, help="End its sessions and its agent; else they run on.")
@click.option("--purge", is_flag=True, help="Remove journals and the pushed agent there too; implies --stop.")
def remove(name: str, stop: bool | None, purge: bool) -> None:
    """Forget a machine. Asks what becomes of what is there; without a terminal everything stays as it is."""
    config = load_config()
    known = config.node(name)
    if name == LOCAL:
        raise ConfigError("node 'local' is this machine and always there; nothing was changed")
    asks = stop is None and not purge and sys.stdin.isatty() and sys.stderr.isatty()
    if asks:
        stop = click.confirm(f"End the sessions and the agent on {name}?", default=False, err=True)
        purge = stop and click.confirm("Remove its journals and the pushed agent there?", default=False, err=True)
    if stop or purge:
        narrate(run_async(_end(known, purge=purge)))
    config = load_config()
    save_config(dataclasses.replace(config, nodes=tuple(item for item in config.nodes if item.alias != name)))
    narrate(f"forgot {name}" if stop or purge else f"forgot {name}; its sessions run on there")


async def _end(node: NodeConfig, *, purge: bool) -> str:
    from relaytui.link.remote import ask_agent

    if node.socket:
        raise ConfigError(f"{node.alias}: only its socket is known; end its agent where it was started, or use --keep")
    action = "remove --journals --program" if purge else "remove"
    try:
        report = await ask_agent(node, Desk(node.alias, terminal_prompter()), action)
    except LinkError as error:
        remedy = f"nothing was changed; `relaytui node rm {node.alias} --keep` forgets it all the same"
        raise CommandError(f"{error}; {remedy}", Exit.PARTIAL) from error
    if report.get("error"):
        raise CommandError(f"{node.alias}: {report['error']}; nothing was changed here", Exit.PARTIAL)
    removed = ", ".join(map(str, report.get("removed", ())))
    said = f"{node.alias}: ended {report.get('ended', 0)} sessions{f' and removed {removed}' if removed else ''}"
    return f"{said}; not removed, do it there: {report['left']}" if report.get("left") else said


async def _log_in(node: NodeConfig) -> None:
    from relaytui.link.connect import Gates
    from relaytui.link.ssh import SshConnector

    duplex = await SshConnector(node, Desk(node.alias, terminal_prompter()), Gates()).command("exit 0")
    await duplex.close()


async def _describe(config: Config, item: NodeConfig) -> dict[str, Any]:
    async with connected(config, item) as client:
        assert client.hello is not None
        return node_object(item, client.hello, client.note)


def node_object(item: NodeConfig, hello: HelloReply, note: str = "") -> dict[str, Any]:
    """Everything known of a node as `node show --json` prints it."""
    info = hello.node
    return {
        "name": item.alias,
        "host": item.host or item.socket or None,
        "transport": item.transport.value,
        "way": note or None,
        "tags": list(item.tags),
        "uuid": info.uuid,
        "machine": info.host,
        "user": info.user,
        "agent": {"pid": info.agent.pid, "version": info.agent.version},
        "keeper": {"pid": info.keeper.pid, "version": info.keeper.version},
        "sessions": len(hello.sessions),
        "facts": dict(hello.facts.facts),
        "facts_age": round(hello.facts.age, 1),
    }


def _plain(value: Any) -> str:
    """A value for a human: bytes in GiB, lists with commas, the parts of an object one after the other."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, dict):
        return "  ".join(f"{key} {_part(key, item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _part(key: str, value: Any) -> str:
    if isinstance(value, int) and key.startswith(("memory_", "disk_")):
        return f"{value / _GIB:.1f} GiB"
    return _plain(value)
