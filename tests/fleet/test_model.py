"""The fleet's picture: what reports make of it and which changes they tell."""

from __future__ import annotations

import pytest

from node_agent.protocol.entities import EventRecord, NodeFacts
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.notices import (
    AskChanged,
    AskGone,
    ClipboardWrite,
    FactsChanged,
    Rang,
    SettingsChanged,
)
from node_agent.protocol.notices import SessionChanged as SessionNotice
from node_agent.protocol.notices import SessionGone as GoneNotice
from node_agent.protocol.settings import NodeSettings
from node_agent.protocol.states import Attention, EventKind
from relaytui.fleet.changes import (
    AskClosed,
    AskOpened,
    CacheLoaded,
    ClipboardOffered,
    DeltaReceived,
    EventReceived,
    EventRecorded,
    HelloReceived,
    NodeChanged,
    NoticeReceived,
    ScreenChanged,
    SessionChanged,
    SessionGone,
    SessionRang,
    StatusReported,
    Warned,
)
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.fleet.views import AskView
from tests.fleet.build import ask, fleet, hello, key, session


def test_a_hello_replaces_all_sessions_of_its_node() -> None:
    made = fleet(box=hello(session("a1"), session("a2", ask=ask())), other=hello(session("a1"), uuid="u2"))
    changes = made.apply(HelloReceived("box", hello(session("a1"), session("a3"))), 101.0)
    assert SessionChanged(key("box/a3"), is_new=True) in changes
    assert SessionGone(key("box/a2")) in changes
    assert AskClosed("box", key("box/a2"), ask()) in changes
    assert set(made.sessions) == {key("box/a1"), key("box/a3"), key("other/a1")}


def test_an_ask_opens_and_closes_with_its_session_once() -> None:
    made = fleet(box=hello(session()))
    asking = session(attention=Attention.ASKING, ask=ask("k1"))
    changes = made.apply(NoticeReceived("box", SessionNotice(asking)), 101.0)
    assert changes == [
        SessionChanged(key("box/a1")),
        AskOpened(AskView("box", key("box/a1"), ask("k1"), 101.0)),
    ]
    assert made.apply(NoticeReceived("box", SessionNotice(asking)), 102.0) == [SessionChanged(key("box/a1"))]
    follow_up = session(attention=Attention.ASKING, ask=ask("k2"))
    changes = made.apply(NoticeReceived("box", SessionNotice(follow_up)), 103.0)
    assert [type(change) for change in changes] == [SessionChanged, AskClosed, AskOpened]
    changes = made.apply(NoticeReceived("box", GoneNotice(SessionId("a1"))), 104.0)
    assert changes == [AskClosed("box", key("box/a1"), ask("k2")), SessionGone(key("box/a1"))]
    assert made.inbox(104.0) == []


def test_the_inbox_has_the_longest_waiting_first_by_the_nodes_own_ages() -> None:
    made = fleet(
        box=hello(session("a1", ask=ask("k1", age=10)), session("a2", ask=ask("k2", age=50))),
        other=hello(session("a1", ask=ask("k1", age=30)), uuid="u2", asks=(ask("loose", age=40),)),
    )
    now = 160.0
    assert [(view.key and str(view.key), view.age(now)) for view in made.inbox(now)] == [
        ("box/a2", 110.0),
        (None, 100.0),
        ("other/a1", 90.0),
        ("box/a1", 70.0),
    ]


def test_loose_asks_go_with_their_node_and_where_it_is_hidden() -> None:
    made = fleet(box=hello(asks=(ask("loose"),)), other=hello(uuid="u2", asks=(ask("kept"),)))
    assert AskClosed("box", None, ask("loose")) in made.remove_node("box")
    assert [view.ask.id for view in made.inbox(101.0)] == ["kept"]
    made.add_node("twin")
    made.apply(CacheLoaded("twin", hello(uuid="u3", asks=(ask("old"),))), 101.0)
    assert [view.ask.id for view in made.loose_asks_of("twin")] == ["old"]
    made.apply(HelloReceived("twin", hello(uuid="u2", asks=(ask("kept"),))), 102.0)
    assert made.nodes["twin"].duplicate_of == "other"
    assert [(view.node, view.ask.id) for view in made.inbox(103.0)] == [("other", "kept")]


def test_loose_asks_come_and_go() -> None:
    made = fleet(box=hello())
    assert made.apply(NoticeReceived("box", AskChanged(ask())), 101.0) == [
        AskOpened(AskView("box", None, ask(), 101.0))
    ]
    assert made.apply(NoticeReceived("box", AskGone(AskId("k1"))), 102.0) == [AskClosed("box", None, ask())]
    assert made.apply(NoticeReceived("box", AskGone(AskId("k1"))), 102.0) == []


def test_ages_grow_with_the_consoles_clock() -> None:
    made = fleet(now=100.0, box=hello(session(age=10.0, attention_age=2.0)))
    view = made.sessions[key("box/a1")]
    assert (view.age(130.0), view.attention_age(130.0)) == (40.0, 32.0)


def test_what_a_lost_node_said_stays_and_is_stale() -> None:
    made = fleet(box=hello(session()))
    assert not made.is_stale(key("box/a1"))
    status = NodeStatus(NodeState.STALE, 100.0, "no answer to ping", next_try=116.0)
    assert made.apply(StatusReported("box", status), 103.0) == [NodeChanged("box")]
    assert made.is_stale(key("box/a1"))
    assert made.nodes["box"].status.words(112.0) == "stale 12 s: no answer to ping; next try in 4 s"


def test_a_node_is_healthy_while_its_facts_are_fresh() -> None:
    made = fleet(box=hello())
    made.apply(NoticeReceived("box", FactsChanged(NodeFacts({"cores": 8}, age=2.0))), 100.0)
    assert made.nodes["box"].facts.facts == {"cores": 8}
    assert made.nodes["box"].is_healthy(127.0)
    assert not made.nodes["box"].is_healthy(129.0)


def test_two_aliases_of_one_node_are_shown_once_with_a_warning() -> None:
    made = fleet(box=hello(session()))
    made.add_node("twin")
    changes = made.apply(HelloReceived("twin", hello(session())), 101.0)
    assert changes[-1] == Warned(
        "twin", "twin and box are the same node; shown as box; remove one with `relaytui node rm`"
    )
    assert set(made.sessions) == {key("box/a1")}
    assert made.nodes["twin"].duplicate_of == "box"
    assert made.apply(NoticeReceived("twin", SessionNotice(session("a9"))), 102.0) == []


def test_the_alias_that_still_connects_is_the_one_shown() -> None:
    made = fleet(box=hello(session()))
    made.add_node("twin")
    made.apply(StatusReported("box", NodeStatus(NodeState.LOST, 101.0)), 101.0)
    made.apply(HelloReceived("twin", hello(session())), 102.0)
    assert set(made.sessions) == {key("twin/a1")}
    assert made.nodes["box"].duplicate_of == "twin"


def test_screens_follow_their_deltas_and_tell_the_rows_to_draw() -> None:
    made = fleet(box=hello(session()))
    at = key("box/a1")
    first = {"size": [80, 3], "rows": [[0, [["$ make", ""]]]], "cursor": [0, 6, True, 0]}
    assert made.apply(DeltaReceived(at, first), 101.0) == [ScreenChanged(at, (0, 1, 2))]
    second = {"rows": [[1, [["done", "32"]]]], "cursor": [2, 0, True, 0]}
    assert made.apply(DeltaReceived(at, second), 101.0) == [ScreenChanged(at, (0, 1, 2))]
    third = {"rows": [[1, [["Done", "32"]]]]}
    assert made.apply(DeltaReceived(at, third), 101.0) == [ScreenChanged(at, (1,))]
    screen = made.screen(at)
    assert screen is not None
    assert screen.rows == ((("$ make", ""),), (("Done", "32"),), ())
    with pytest.raises(ValueError, match="not a"):
        made.apply(DeltaReceived(at, {"rows": [[99, []]]}), 101.0)


def test_a_delta_or_bell_of_a_session_that_is_gone_is_nothing() -> None:
    made = fleet(box=hello())
    assert made.apply(DeltaReceived(key("box/zz"), {"size": [1, 1]}), 101.0) == []
    assert made.apply(NoticeReceived("box", Rang(SessionId("zz"))), 101.0) == []


def test_bells_clipboards_and_events_are_passed_on() -> None:
    made = fleet(box=hello(session()))
    at = key("box/a1")
    record = EventRecord(7, EventKind.SESSION_STARTED, 0.0, SessionId("a1"))
    assert made.apply(NoticeReceived("box", Rang(at.id, "t", "b")), 101.0) == [SessionRang(at, "t", "b")]
    assert made.apply(NoticeReceived("box", ClipboardWrite(at.id, "QQ==")), 101.0) == [ClipboardOffered(at, "QQ==")]
    assert made.apply(EventReceived("box", record), 101.0) == [EventRecorded("box", record)]


def test_a_cached_picture_is_shown_until_the_node_answers() -> None:
    made = Fleet(100.0)
    made.add_node("box", ("gpu",))
    made.apply(CacheLoaded("box", hello(session("a1"), session("old"))), 100.0)
    assert made.is_stale(key("box/old"))
    made.apply(HelloReceived("box", hello(session("a1"))), 101.0)
    assert set(made.sessions) == {key("box/a1")}
    assert made.nodes["box"].tags == ("gpu",)


def test_removing_a_node_takes_its_sessions() -> None:
    made = fleet(box=hello(session()))
    assert made.remove_node("box") == [SessionGone(key("box/a1")), NodeChanged("box")]
    assert not made.nodes


def test_the_nodes_word_on_its_settings_is_kept_and_an_older_one_passed_over() -> None:
    made = fleet(one=hello())
    unknown = made.nodes["one"].settings
    assert unknown is None
    newer = NodeSettings(version=3, policy_suspended=True)
    assert made.apply(NoticeReceived("one", SettingsChanged(newer)), 101.0) == [NodeChanged("one")]
    assert made.apply(NoticeReceived("one", SettingsChanged(NodeSettings(version=2))), 102.0) == []
    assert made.nodes["one"].settings == newer
    made.apply(HelloReceived("one", hello()), 103.0)
    assert made.nodes["one"].settings == newer  # what it said stays while the link comes and goes
