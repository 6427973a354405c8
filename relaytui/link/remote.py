"""Has a node's agent program do one thing and say what came of it, wherever the node is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from node_agent.terminal.sanitise import sanitise
from relaytui.config import NodeConfig, Transport
from relaytui.link.bootstrap import remote_of
from relaytui.link.duplex import Duplex
from relaytui.link.errors import AgentFailed, AgentMissing, LinkLost
from relaytui.link.probe import MARKER, agent_command
from relaytui.link.prompts import Desk
from relaytui.link.unix import run_agent

_LIMIT = 60.0
_MOST = 256 * 1024


async def ask_agent(node: NodeConfig, desk: Desk, action: str) -> dict[str, Any]:
    """The JSON object that `node-agent ACTION` prints; raises a LinkError where it prints none."""
    if node.transport is Transport.UNIX:
        output, errors = await run_agent(node, *action.split())
        return _parse(node.alias, output, errors)
    line = agent_command(node.alias, node.agent, node.state, action)
    duplex = await remote_of(node, desk).command(line, MARKER.encode())
    try:
        async with asyncio.timeout(_LIMIT):
            output = await _read_all(duplex)
    except TimeoutError:
        raise AgentFailed(f"{node.alias}: no answer to `{action}` within {_LIMIT:g} s; try again") from None
    except OSError as error:
        raise LinkLost(f"{node.alias}: the link broke: {error}; try again") from error
    finally:
        await duplex.close()
    _, _, said = output.partition(f"{MARKER} ")
    if said.startswith("missing"):
        raise AgentMissing(f"{node.alias}: no node agent there; `relaytui node upgrade {node.alias}` puts one there")
    return _parse(node.alias, said, "")


async def _read_all(duplex: Duplex) -> str:
    data = b""
    while len(data) < _MOST and (piece := await duplex.reader.read(65536)):
        data += piece
    return data.decode("utf-8", "replace")


def _parse(alias: str, output: str, errors: str) -> dict[str, Any]:
    """The last line that is a JSON object."""
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    said = (errors or output).strip().splitlines()
    raise AgentFailed(f"{alias}: its agent said {sanitise(said[-1], 200) if said else 'nothing'}; try it there by hand")
