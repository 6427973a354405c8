"""Finds the node for a session that names a requirement instead of a node."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.output import narrate
from relaytui.cli.reach import surveyed
from relaytui.config import Config

if TYPE_CHECKING:
    from relaytui.hub.jobs.placement import NodeOffer


_UNLIMITED = 1_000_000
"""Slots are for jobs: what the operator starts by hand waits for none."""

_TRIES = 4
_PAUSE = 0.5
"""Seconds between tries: an agent that has just been started still looks at its machine."""


async def node_for(config: Config, requires: str) -> str:
    """The alias of the first node by name that meets `requires`; raises CommandError with each node's reason."""
    from relaytui.hub.jobs.model import JobSpec
    from relaytui.hub.jobs.offers import wish_of
    from relaytui.hub.jobs.placement import place
    from relaytui.hub.jobs.requirement import RequirementError

    try:
        wish = wish_of(JobSpec(requires=requires))
    except RequirementError as error:
        raise click.BadParameter(str(error), param_hint="--requires") from None
    for _ in range(_TRIES):
        offers = await _offers(config)
        if all(offer.facts for offer in offers if offer.connected):
            break
        await asyncio.sleep(_PAUSE)
    placement = place(wish, offers)
    if placement.node is None:
        reasons = "; ".join(f"{verdict.alias}: {', '.join(verdict.reasons)}" for verdict in placement.verdicts)
        raise CommandError(f"no node meets {requires!r} now: {reasons}", Exit.PARTIAL)
    narrate(f"on {placement.node}")
    return placement.node


async def _offers(config: Config) -> list[NodeOffer]:
    """What each node offers at this moment."""
    from relaytui.fleet.status import NodeState, NodeStatus
    from relaytui.fleet.views import NodeView
    from relaytui.hub.jobs.offers import offer_of

    views = []
    async with surveyed(config, config.nodes) as survey:
        now = time.monotonic()
        for node in config.nodes:
            client = survey.clients.get(node.alias)
            if client is None or client.hello is None:
                status = NodeStatus(NodeState.LOST, now, error=str(survey.missing.get(node.alias, "")))
                views.append(NodeView(node.alias, status, node.tags))
            else:
                status = NodeStatus(NodeState.CONNECTED, now)
                views.append(NodeView(node.alias, status, node.tags, client.hello.node, client.hello.facts, now))
    return [offer_of(view, _UNLIMITED, (), now) for view in views]
