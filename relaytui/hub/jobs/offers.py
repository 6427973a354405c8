"""Nodes as placement weighs them: from the fleet's picture and the attempts that hold their slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relaytui.fleet.facts import placement_facts
from relaytui.fleet.views import NodeView
from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.placement import NodeOffer, NodeVerdict, Placement, Wish, place
from relaytui.hub.jobs.requirement import RequirementError, parse_requirement

DEFAULT_SLOTS = 4
"""Jobs a node runs at once where its config does not say."""


def wish_of(spec: JobSpec) -> Wish:
    """What a job asks of its node; raises RequirementError."""
    return Wish(parse_requirement(spec.requires), spec.node, spec.prefer, frozenset(spec.exclusive))


def placement_of(spec: JobSpec, nodes: Sequence[NodeOffer]) -> Placement:
    """The node for a job; one whose requirement cannot be read, as a newer relaytui may queue, waits."""
    try:
        return place(wish_of(spec), nodes)
    except RequirementError as error:
        fault = f"cannot be read here: {error}; upgrade this relaytui, or cancel the job and submit it anew"
        return Placement(None, tuple(NodeVerdict(node.alias, (fault,)) for node in nodes), fault)


def offer_of(view: NodeView, slots: int, attempts: Iterable[Job], now: float) -> NodeOffer:
    """A node's offer at `now` (monotonic seconds); `attempts` are all jobs in an attempt, wherever they are."""
    here = [job for job in attempts if _is_on(job, view)]
    known = bool(view.facts.facts)
    return NodeOffer(
        view.alias,
        connected=view.status.is_live and view.info is not None,
        facts_age=view.facts.age + now - view.facts_seen if known else None,
        tags=frozenset(view.tags),
        facts=placement_facts(view.facts.facts),
        slots=slots,
        running=len(here),
        exclusive_in_use=frozenset(tag for job in here for tag in job.spec.exclusive),
        state=view.status.words(now),
    )


def _is_on(job: Job, view: NodeView) -> bool:
    if job.node_uuid and view.info is not None:
        return job.node_uuid == view.info.uuid
    return job.node == view.alias
