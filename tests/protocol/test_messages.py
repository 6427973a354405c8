"""Messages survive the wire, also between versions, and bad ones are refused by name."""

from __future__ import annotations

import json

import pytest

from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import Alert, AskInfo, AskOption, Delivery, ExitInfo, LeaseInfo, SessionInfo
from node_agent.protocol.errors import ErrorCode, RemoteProtocolError, RequestError
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.notices import AlertChanged, SessionChanged, SettingsChanged, notice_to_wire, parse_notice
from node_agent.protocol.registry import parse_request
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.settings import Mute, MuteScope, NodeChannel, NodeSettings
from node_agent.protocol.states import AlertKind, AskKind, Attention, SessionState, Severity

SESSION = SessionInfo(
    id=SessionId("a3"),
    title="fix flaky tests",
    command=("pytest", "-q"),
    cwd="/src",
    columns=120,
    rows=40,
    started=1e9,
    age=41.5,
    state=SessionState.RUNNING,
    attention=Attention.ASKING,
    attention_age=4.0,
    tags=("gpu",),
    ask=AskInfo(
        id=AskId("k1"),
        kind=AskKind.CHOICE,
        excerpt="Proceed?",
        age=4.0,
        options=(AskOption("Yes", "1", selected=True), AskOption("No", "2")),
    ),
    exit=ExitInfo(code=None, signal=9, at=1e9),
    lease=LeaseInfo("ann@desk", 2.0),
)


def test_a_message_comes_back_equal_through_json() -> None:
    wire = json.loads(json.dumps(notice_to_wire(SessionChanged(SESSION))))
    assert parse_notice(wire) == SessionChanged(SESSION)


def test_fields_of_a_newer_version_are_ignored() -> None:
    wire = to_wire(SESSION) | {"shoe_size": 43}
    assert from_wire(SessionInfo, wire) == SESSION


def test_a_notice_of_a_newer_version_is_ignored() -> None:
    assert parse_notice({"notice": "weather", "sky": "blue"}) is None


def test_requests_are_parsed_by_their_op() -> None:
    wire = {"op": "session.send", "session": "a3", "request": "r1", "chunks": [{"text": "y"}, {"key": "enter"}]}
    assert parse_request(wire) == SendInput(SessionId("a3"), "r1", (Chunk(text="y"), Chunk(key="enter")))


@pytest.mark.parametrize(
    ("wire", "code", "words"),
    [
        ({"op": "make.coffee"}, ErrorCode.UNKNOWN_OP, "make.coffee"),
        ({"op": ["x"]}, ErrorCode.UNKNOWN_OP, "x"),
        ({}, ErrorCode.UNKNOWN_OP, "None"),
        ({"op": "session.kill"}, ErrorCode.BAD_REQUEST, "KillSession lacks session"),
        ({"op": "session.start", "request": 4}, ErrorCode.BAD_REQUEST, "StartSession.request has a wrong type"),
        ({"op": "session.start", "request": "r", "env": {"A": 1}}, ErrorCode.BAD_REQUEST, "StartSession.env"),
        ({"op": "session.start", "request": "r", "columns": True}, ErrorCode.BAD_REQUEST, "StartSession.columns"),
        ({"op": "session.start", "request": "r", "command": "ls"}, ErrorCode.BAD_REQUEST, "StartSession.command"),
    ],
)
def test_bad_requests_are_refused_with_the_field(wire: dict[str, object], code: ErrorCode, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(wire)
    assert caught.value.code is code
    assert words in caught.value.message


def test_an_unknown_state_is_the_other_sides_fault() -> None:
    with pytest.raises(RemoteProtocolError, match=r"SessionInfo\.state"):
        from_wire(SessionInfo, to_wire(SESSION) | {"state": "dreaming"})


def test_none_is_kept_apart_from_empty() -> None:
    assert parse_request({"op": "session.start", "request": "r", "base_env": {}}) == StartSession("r", base_env={})


def test_settings_and_alerts_come_back_equal() -> None:
    channel = NodeChannel("n", "ntfy", {"url": "http://127.0.0.1:1/t"})
    settings = NodeSettings(3, (Mute(MuteScope.SESSION, "a3", "ann"),), ("bell",), (channel,))
    delivery = Delivery("bell", "desk", "sent", 1.0)
    alert = Alert("ask a3.1", AlertKind.ASK, Severity.HIGH, "t", "b", 1.0, 7, deliveries=(delivery,))
    for notice in (SettingsChanged(settings), AlertChanged(alert)):
        assert parse_notice(json.loads(json.dumps(notice_to_wire(notice)))) == notice
