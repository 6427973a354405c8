"""Placement is enforced, stable and explained."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaytui.hub.jobs.placement import NodeOffer, Wish, place
from relaytui.hub.jobs.requirement import Capabilities, Truth, judge, parse_requirement
from relaytui.hub.jobs.states import FINAL, TRANSITIONS, ForbiddenTransition, JobState, check_transition

GPU = NodeOffer("gpu-box", True, 1.0, frozenset({"gpu"}), {"os": "linux", "gpus": ["H100"], "memory": 2**38}, slots=2)
BUILD = NodeOffer("build-1", True, 2.0, frozenset({"fast"}), {"os": "linux", "gpus": [], "memory": 2**35}, slots=4)
LIAR = NodeOffer("liar", True, 1.0, frozenset({"gpu", "windows"}), {"os": "linux", "gpus": [], "memory": 2**33})
NODES = [GPU, BUILD, LIAR]


def wish(source: str, **more: object) -> Wish:
    return replace(Wish(parse_requirement(source)), **more)  # type: ignore[arg-type]  # fields by keyword


def reasons(asked: Wish, nodes: list[NodeOffer], alias: str) -> tuple[str, ...]:
    return next(verdict.reasons for verdict in place(asked, nodes).verdicts if verdict.alias == alias)


def test_only_a_node_that_has_the_capability_is_chosen() -> None:
    assert place(wish("gpu"), NODES).node == "gpu-box"


def test_a_declared_tag_that_the_probe_contradicts_is_not_trusted_and_said() -> None:
    assert reasons(wish("gpu"), NODES, "liar") == ("needs gpu", "declared gpu, but no GPU was found")
    verdict = next(v for v in place(wish("mem>=1M"), NODES).verdicts if v.alias == "liar")
    assert verdict.distrusted == ("gpu", "windows")


def test_a_tag_nobody_probed_is_trusted() -> None:
    unprobed = replace(LIAR, facts={"os": "linux"})
    assert place(wish("gpu"), [unprobed]).node == "liar"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"connected": False, "state": "no answer to ping"}, "not connected: no answer to ping"),
        ({"facts_age": None}, "has not reported its facts yet"),
        ({"facts_age": 31.0}, "last reported 31 s ago (healthy is under 30 s)"),
        ({"running": 2}, "all 2 slots are in use"),
        ({"slots": 1, "running": 1}, "its one slot is in use"),
        ({"exclusive_in_use": frozenset({"h100"})}, "another job holds h100"),
    ],
)
def test_what_may_pass_is_said_and_marked_as_passing(change: dict[str, object], reason: str) -> None:
    node = replace(GPU, **change)  # type: ignore[arg-type]  # fields by keyword
    placement = place(wish("gpu", exclusive=frozenset({"h100"})), [node])
    assert placement.node is None
    assert placement.verdicts[0].reasons == (reason,)
    assert placement.verdicts[0].passing


def test_a_forced_node_is_the_only_one_considered() -> None:
    placement = place(wish("", node="build-1"), NODES)
    assert placement.node == "build-1"
    assert reasons(wish("", node="build-1"), NODES, "gpu-box") == ("the job must run on build-1",)


def test_a_preferred_node_wins_over_a_less_loaded_one_but_never_over_a_requirement() -> None:
    busy = replace(GPU, running=1)
    assert place(wish("mem>=1G", prefer=("gpu-box",)), [busy, BUILD]).node == "gpu-box"
    assert place(wish("fast", prefer=("gpu-box",)), [busy, BUILD]).node == "build-1"


def test_the_least_loaded_node_is_taken_then_the_first_by_name() -> None:
    assert place(wish(""), [replace(GPU, running=1), BUILD]).node == "build-1"
    assert place(wish(""), [GPU, BUILD]).node == "build-1"


_offers = st.lists(
    st.builds(
        NodeOffer,
        st.sampled_from("abcdef"),
        st.booleans(),
        st.none() | st.floats(0, 60),
        st.frozensets(st.sampled_from(["gpu", "fast", "windows"])),
        st.fixed_dictionaries({"gpus": st.lists(st.just("H100"), max_size=2), "memory": st.integers(0, 100)}),
        st.integers(0, 3),
        st.integers(0, 3),
        st.frozensets(st.sampled_from(["x", "y"])),
    ),
    max_size=6,
    unique_by=lambda offer: offer.alias,
)
_wishes = st.builds(
    Wish,
    st.sampled_from(["", "gpu", "gpu, memory>=50", "!windows", "fast or gpus>=2"]).map(parse_requirement),
    st.sampled_from(["", "a", "z"]),
    st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    st.frozensets(st.sampled_from(["x", "y"])),
)


@given(_wishes, _offers, st.randoms())
def test_placement_does_not_depend_on_the_order_of_nodes(asked: Wish, nodes: list[NodeOffer], random: object) -> None:
    shuffled = sorted(nodes, key=lambda offer: hash((offer.alias, id(random))))
    assert place(asked, nodes) == place(asked, shuffled)


@given(_wishes, _offers)
def test_a_chosen_node_satisfies_everything_and_every_other_has_a_reason(asked: Wish, nodes: list[NodeOffer]) -> None:
    placement = place(asked, nodes)
    assert {verdict.alias for verdict in placement.verdicts} == {node.alias for node in nodes}
    for verdict in placement.verdicts:
        node = next(offer for offer in nodes if offer.alias == verdict.alias)
        trusted = node.tags - set(verdict.distrusted)
        fits = (
            judge(asked.requirement, Capabilities(trusted, node.facts)).truth is Truth.YES
            and asked.node in ("", node.alias)
            and node.connected
            and node.facts_age is not None
            and node.facts_age <= 30
            and node.running < node.slots
            and not asked.exclusive & node.exclusive_in_use
        )
        assert fits == (not verdict.reasons)
    assert (placement.node is None) == all(verdict.reasons for verdict in placement.verdicts)


@given(st.lists(st.sampled_from(JobState), max_size=20))
def test_a_job_follows_the_table_and_never_leaves_its_end(steps: list[JobState]) -> None:
    state = JobState.QUEUED
    for step in steps:
        before = state
        try:
            check_transition(state, step)
            state = step
        except ForbiddenTransition:
            assert step not in TRANSITIONS[before]
        assert before not in FINAL or state is before


def test_every_state_can_still_end() -> None:
    reachable: dict[JobState, set[JobState]] = {state: set(after) for state, after in TRANSITIONS.items()}
    for state in JobState:
        seen, todo = set[JobState](), [state]
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                todo += reachable[current]
        assert seen & FINAL
