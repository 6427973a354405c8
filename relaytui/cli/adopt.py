"""`relaytui adopt`: tmux sessions that are on a node already become sessions here, without starting over."""

from __future__ import annotations

import time
import uuid
from typing import Any

import click

from node_agent.protocol.sessions import StartSession
from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.output import age, print_json, print_table
from relaytui.cli.prompt import terminal_prompter
from relaytui.cli.reach import connected, run_async
from relaytui.config import ConfigError, NodeConfig, load_config
from relaytui.link.prompts import Desk
from relaytui.link.remote import ask_agent

_TAG = "tmux"


@click.command()
@click.argument("alias", metavar="NODE")
@click.argument("names", metavar="[SESSION]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Adopt every tmux session there.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as objects.")
def adopt(alias: str, names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """List the tmux sessions of a node, or show some of them as sessions.

    tmux goes on owning them: ending the session here only takes it off the grid. Others who look at it keep their
    size.
    """
    config = load_config()
    node = config.node(alias)
    found = run_async(_sessions(node))
    if not names and not everything:
        _print(found, as_json=as_json)
        return
    by_name = {item["name"]: item for item in found}
    for name in names:
        if name not in by_name:
            there = ", ".join(by_name) or "none"
            raise CommandError(f"{alias}: no tmux session {name!r}; there is {there}", Exit.UNKNOWN_ID)
    chosen = [by_name[name] for name in names] if names else found

    async def start() -> None:
        async with connected(config, node) as client:
            for item in chosen:
                request = StartSession(
                    request=str(uuid.uuid4()),
                    command=tuple(item["command"]),
                    title=item["name"],
                    tags=(_TAG,),
                    colors=config.ui.colors,
                )
                session = (await client.request(request, timeout=30.0)).session
                print(f"{alias}/{session.id}", flush=True)

    run_async(start())


async def _sessions(node: NodeConfig) -> list[dict[str, Any]]:
    if node.socket:
        raise ConfigError(f"{node.alias}: only its socket is known, so its machine cannot be asked for tmux sessions")
    report = await ask_agent(node, Desk(node.alias, terminal_prompter()), "tmux")
    if report.get("error"):
        raise CommandError(f"{node.alias}: {report['error']}", Exit.UNKNOWN_ID)
    sessions: list[dict[str, Any]] = report.get("sessions", [])
    return sessions


def _print(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        now = time.time()
        rows = [
            (item["name"], str(item["windows"]), str(item["attached"]), age(now - item["created"]), item["program"])
            for item in found
        ]
        print_table(("TMUX SESSION", "WINDOWS", "ATTACHED", "AGE", "PROGRAM"), rows)
