"""What an operator types: ids and filters; and in which order sessions stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.protocol.entities import AskOption, ExitInfo, NodeFacts
from node_agent.protocol.notices import FactsChanged
from node_agent.protocol.notices import SessionChanged as SessionNotice
from node_agent.protocol.states import AskKind, Attention, SessionState
from relaytui.fleet.changes import NodeChanged, NoticeReceived, SessionChanged
from relaytui.fleet.facts import fact_words
from relaytui.fleet.filters import FilterError, compile_filter
from relaytui.fleet.keys import AmbiguousId, UnknownId, resolve_id
from relaytui.fleet.ordering import TileOrder, ordered
from relaytui.fleet.status import NodeState, NodeStatus, span
from relaytui.fleet.views import SessionView, asked_words
from relaytui.hub.jobs.requirement import Capabilities, Tag, Truth, judge
from tests.fleet.build import ask, fleet, hello, key, session

SESSIONS = [
    (key("box/a1"), "build"),
    (key("box/a12"), "a1"),
    (key("lab/a1"), "deploy"),
    (key("lab/b7"), "build"),
    (key("lab/c9"), "box/a1"),
]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("box/a1", "box/a1"),  # before the session that has it as title
        ("a12", "box/a12"),
        ("deploy", "lab/a1"),
        ("b", "lab/b7"),
        ("lab/b", "lab/b7"),
    ],
)
def test_ids_are_found_in_the_stated_order(word: str, found: str) -> None:
    assert str(resolve_id(word, SESSIONS)) == found


@pytest.mark.parametrize(
    ("word", "candidates"),
    [
        ("a1", ["box/a1", "lab/a1"]),  # exact ids, though a title says the same
        ("build", ["box/a1", "lab/b7"]),
        ("lab/", ["lab/a1", "lab/b7", "lab/c9"]),
        (None, [str(at) for at, _ in SESSIONS]),
    ],
)
def test_what_may_be_several_lists_them(word: str | None, candidates: list[str]) -> None:
    with pytest.raises(AmbiguousId) as caught:
        resolve_id(word, SESSIONS)
    assert sorted(map(str, caught.value.candidates)) == sorted(candidates)
    assert all(name in str(caught.value) for name in candidates)


@pytest.mark.parametrize("word", ["zz", "", "BUILD", "lab"])
def test_what_is_not_there_lists_what_is(word: str) -> None:
    with pytest.raises(UnknownId, match="box/a1, box/a12"):
        resolve_id(word, SESSIONS)


def test_the_only_session_needs_no_name() -> None:
    assert resolve_id(None, SESSIONS[:1]) == key("box/a1")
    with pytest.raises(UnknownId, match="relaytui start"):
        resolve_id(None, [])


def view(name: str = "box/a1", **fields: object) -> SessionView:
    at = key(name)
    return SessionView(at, session(at.id, **fields), seen=0.0)


ASKING = view("gpu-box/a1", attention=Attention.ASKING, tags=("Nightly",), title="Fix flaky tests")
FAILED = view("lab/b2", attention=Attention.EXITED, state=SessionState.CLOSED, exit=ExitInfo(code=2))
LOST = view("lab/c3", attention=Attention.EXITED, state=SessionState.LOST)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", [ASKING, FAILED, LOST]),
        ("state:asking", [ASKING]),
        ("state:exi", [FAILED, LOST]),
        ("state:failed", [FAILED, LOST]),
        ("state:lost,asking", [ASKING, LOST]),
        ("-state:lost", [ASKING, FAILED]),
        ("node:GPU", [ASKING]),
        ("tag:nightly", [ASKING]),
        ("tag:night", []),
        ("flaky FIX", [ASKING]),
        ("make lab/b", [FAILED]),
        ("state:", [ASKING, FAILED, LOST]),
        ("time:12", []),
    ],
)
def test_filters(text: str, passes: list[SessionView]) -> None:
    assert [item for item in (ASKING, FAILED, LOST) if compile_filter(text)(item)] == passes


def test_a_filter_with_an_unknown_state_names_a_near_one() -> None:
    with pytest.raises(FilterError, match="did you mean 'working'"):
        compile_filter("state:wroking")


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_says_why_not(text: str) -> None:
    try:
        passes = compile_filter(text)
    except FilterError:
        passes = compile_filter(text.replace("state:", ""))
    assert passes(ASKING) in (True, False)


ROW = [
    view("lab/a1", order=2, age=10.0),
    view("box/a2", order=1, age=30.0, attention=Attention.IDLE),
    view("box/a3", order=3, age=20.0, attention=Attention.ASKING, attention_age=5.0),
    view("lab/a4", order=1, age=40.0, attention=Attention.ASKING, attention_age=60.0),
]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("node", ["box/a2", "box/a3", "lab/a4", "lab/a1"]),
        ("attention", ["lab/a4", "box/a3", "lab/a1", "box/a2"]),
        ("started", ["lab/a1", "box/a3", "box/a2", "lab/a4"]),
    ],
)
def test_orders(mode: str, expected: list[str]) -> None:
    assert [str(at) for at in ordered(ROW, mode, ["box", "lab"], now=0.0)] == expected


def test_nothing_moves_within_two_seconds_of_a_key() -> None:
    order = TileOrder("attention")
    calm = [view("box/a1"), view("box/a2", order=1)]
    assert [str(at) for at in order.arrange(calm, ["box"], 0.0)] == ["box/a1", "box/a2"]
    order.key_pressed(10.0)
    stirred = [view("box/a1"), view("box/a2", order=1, attention=Attention.ASKING), view("box/a0", order=-1)]
    assert [str(at) for at in order.arrange(stirred, ["box"], 11.9)] == ["box/a1", "box/a2", "box/a0"]
    assert [str(at) for at in order.arrange(stirred[1:], ["box"], 11.95)] == ["box/a2", "box/a0"]
    assert [str(at) for at in order.arrange(stirred, ["box"], 12.0)] == ["box/a2", "box/a0", "box/a1"]


def test_a_change_of_mode_is_seen_at_once() -> None:
    order = TileOrder("node")
    order.arrange(ROW, ["box", "lab"], 0.0)
    order.key_pressed(1.0)
    order.set_mode("started")
    assert str(order.arrange(ROW, ["box", "lab"], 1.1)[0]) == "lab/a1"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (41.9, "41 s"), (60, "1 m"), (7199, "1 h"), (200_000, "2 d")]
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (NodeStatus(NodeState.CONNECTED, 0.0, note="through the exec bridge"), "connected through the exec bridge"),
        (NodeStatus(NodeState.CONNECTING, 0.0), "connecting"),
        (NodeStatus(NodeState.LOST, 0.0, "refused", next_try=12.4), "lost 12 s: refused; trying now"),
        (NodeStatus(NodeState.LOST, 0.0, "refused", next_try=14.0), "lost 12 s: refused; next try in 2 s"),
        (NodeStatus(NodeState.WAITING, 0.0, "password?"), "needs you: password?"),
    ],
)
def test_a_nodes_state_in_plain_words(status: NodeStatus, words: str) -> None:
    assert status.words(12.0) == words


def test_a_tag_may_be_the_sessions_or_its_nodes() -> None:
    tagged = SessionView(key("gpu-box/a1"), session("a1", tags=("nightly",)), seen=0.0, node_tags=("GPU",))
    assert compile_filter("tag:gpu")(tagged)
    assert compile_filter("tag:nightly tag:gpu")(tagged)
    assert not compile_filter("tag:cpu")(tagged)


def test_a_tag_may_be_a_word_of_the_nodes_facts_as_they_are_now() -> None:
    made = fleet(box=hello(session()))
    finds = compile_filter("tag:gpu")
    assert not finds(made.sessions[key("box/a1")])
    gpus = NodeFacts({"os": "Linux", "arch": "x86_64", "gpus": [{"name": "H100"}]})
    assert SessionChanged(key("box/a1")) in made.apply(NoticeReceived("box", FactsChanged(gpus)), 101.0)
    assert finds(made.sessions[key("box/a1")])
    made.apply(NoticeReceived("box", SessionNotice(session("a2"))), 102.0)
    assert compile_filter("tag:linux tag:x86_64 tag:gpu")(made.sessions[key("box/a2")])
    same = replace(gpus, age=9.0)
    assert made.apply(NoticeReceived("box", FactsChanged(same)), 103.0) == [NodeChanged("box")]
    assert made.sessions[key("box/a1")].seen == 100.0  # facts say nothing of the session
    none = NodeFacts({"os": "Linux", "gpus": []})
    made.apply(NoticeReceived("box", FactsChanged(none)), 104.0)
    assert not finds(made.sessions[key("box/a1")])


@given(
    st.dictionaries(st.sampled_from(["gpu", "os", "arch", "host", "mem"]), st.sampled_from(["gpu", "a", 0, True, []]))
)
def test_what_a_filter_finds_by_a_fact_a_requirement_finds_too(facts: dict[str, Any]) -> None:
    for word in ("gpu", "os", "a", "mem", "true"):
        held = judge(Tag(word), Capabilities(frozenset(), facts)).truth is Truth.YES
        assert held is (word in fact_words(facts))


@pytest.mark.parametrize(
    ("kind", "excerpt", "options", "words"),
    [
        (AskKind.CONFIRM, "Go on? [Y/n]", [("Yes", "y"), ("No", "n")], "Go on? [Y/n]"),
        (AskKind.CHOICE, "What now?\n[1-2]:", [("Fix it", "1"), ("Stop", "2")], "What now? [1-2]: 1 Fix it, 2 Stop"),
        (AskKind.CHOICE, "Proceed?", [("Yes", ""), ("No", "")], "Proceed? Yes, No"),
        (AskKind.CHOICE, "Stage it [y,n,q]?", [("y", "y"), ("n", "n"), ("q", "q")], "Stage it [y,n,q]?"),
    ],
)
def test_what_is_asked_on_one_line(kind: AskKind, excerpt: str, options: list[tuple[str, str]], words: str) -> None:
    told = tuple(AskOption(label, key) for label, key in options)
    assert asked_words(ask(kind=kind, excerpt=excerpt, options=told)) == words
