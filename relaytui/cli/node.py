"""`relaytui node`: the machines sessions run on."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import click

from node_agent.protocol.hello import HelloReply
from node_agent.protocol.states import Attention
from relaytui.cli.exits import Exit
from relaytui.cli.groups import CommandGroup
from relaytui.cli.node_add import add, upgrade
from relaytui.cli.node_change import remove, rename, show, trust
from relaytui.cli.output import print_json, print_table
from relaytui.cli.reach import SURVEY_SECONDS, run_async
from relaytui.config import Config, NodeConfig, load_config
from relaytui.link.connect import open_node
from relaytui.link.errors import LinkError


@click.group(cls=CommandGroup)
def node() -> None:
    """List, add and remove nodes."""


node.add_command(add)
node.add_command(upgrade)
node.add_command(show)
node.add_command(rename)
node.add_command(trust)
node.add_command(remove)


@node.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def ls(as_json: bool) -> int:
    """List nodes and how they are reached.

    Waits at most 2 s for a node; the exit code is 3 when one did not answer.
    """
    return run_async(_list(load_config(), as_json=as_json))


# Listing --------------------------------------------------------------------------------------------------------------


async def _list(config: Config, *, as_json: bool) -> int:
    began = time.time()
    async with AsyncExitStack() as stack:

        async def ask(item: NodeConfig) -> HelloReply | LinkError:
            link = open_node(item, operator=config.operator, timeout=SURVEY_SECONDS)
            try:
                return (await stack.enter_async_context(link)).hello or LinkError(f"{item.alias}: no hello")
            except LinkError as error:
                return error

        answers = await asyncio.gather(*(ask(item) for item in config.nodes))
    objects = [_node_json(item, answer, began) for item, answer in zip(config.nodes, answers, strict=True)]
    if as_json:
        print_json(objects)
    else:
        print_table(("NAME", "STATE", "AGENT", "SESSIONS", "ASKING", "TAGS", "ERROR"), [_row(item) for item in objects])
    return Exit.PARTIAL if any(isinstance(answer, LinkError) for answer in answers) else Exit.OK


def _node_json(item: NodeConfig, answer: HelloReply | LinkError, now: float) -> dict[str, Any]:
    """A node as `node ls --json` prints it; `since` is when it was found so, in Unix seconds."""
    common = {"name": item.alias, "since": round(now, 3), "tags": list(item.tags)}
    if isinstance(answer, LinkError):
        state = "waiting" if answer.needs_operator else "lost"
        unknown = {"uuid": None, "agent": None, "keeper": None, "sessions": None, "asking": None, "facts": None}
        return {**common, "state": state, "error": str(answer).removeprefix(f"{item.alias}: "), **unknown}
    info = answer.node
    asking = sum(session.attention is Attention.ASKING for session in answer.sessions)
    return {
        **common,
        "state": "connected",
        "error": None,
        "uuid": info.uuid,
        "agent": {"pid": info.agent.pid, "version": info.agent.version},
        "keeper": {"pid": info.keeper.pid, "version": info.keeper.version},
        "sessions": len(answer.sessions),
        "asking": asking,
        "facts": dict(answer.facts.facts),
    }


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    agent = item["agent"]
    counts = [str(item[name]) if item[name] is not None else "?" for name in ("sessions", "asking")]
    return (
        item["name"],
        item["state"],
        agent["version"] if agent else "?",
        *counts,
        ",".join(item["tags"]),
        item["error"] or "",
    )
