"""Messages, routing and terminal notifications, as functions of values."""

from __future__ import annotations

import re

import pytest

from node_agent.protocol.entities import Alert, Delivery
from node_agent.protocol.states import AlertKind, Severity
from relaytui.config import ChannelConfig, ChannelKind
from relaytui.notify.message import Raised, messages
from relaytui.notify.routing import wait
from relaytui.notify.terminal import notification, wrapped


def alert(key: str = "k", *, age: float = 0.0, **fields: object) -> Alert:
    values = {"kind": AlertKind.ASK, "severity": Severity.NORMAL, "title": f"box: {key}", "body": ""}
    return Alert(key=key, age=age, n=1, **{**values, **fields})  # type: ignore[arg-type]  # a test's shorthand


def channel(**fields: object) -> ChannelConfig:
    return ChannelConfig("bell", ChannelKind.BELL, **fields)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize(
    ("told", "asked", "seconds"),
    [
        (alert(), channel(), 0.0),
        (alert(age=2.0), channel(delay=10.0), 7.0),
        (alert(is_open=False), channel(), None),
        (alert(silenced="muted"), channel(), None),
        (alert(), channel(kinds=("failure",)), None),
        (alert(kind=AlertKind.FAILURE), channel(kinds=("failure",)), 0.0),
        (alert(), channel(severity=Severity.HIGH), None),
        (alert(kind=AlertKind.MANUAL, severity=Severity.LOW), channel(kinds=("ask",), severity=Severity.HIGH), 0.0),
        (alert(deliveries=(Delivery("bell", "a", "sent", 9.0),)), channel(), None),
        (alert(deliveries=(Delivery("bell", "a", "claimed", 4.0),)), channel(), 10.0),
        (alert(deliveries=(Delivery("bell", "a", "failed", 4.0),)), channel(), 0.0),
        (alert(deliveries=(Delivery("phone", "a", "sent", 4.0),)), channel(), 0.0),
    ],
)
def test_when_an_alert_is_due_is_said_by_its_node(told: Alert, asked: ChannelConfig, seconds: float | None) -> None:
    assert wait(asked, told, elapsed=1.0) == seconds


def test_a_lost_node_with_thirty_sessions_is_one_message() -> None:
    raised = [Raised("gpu", alert(f"end/{n}", severity=Severity.LOW)) for n in range(30)]
    (message,) = messages([*raised, Raised("gpu", alert("lost", severity=Severity.HIGH))])
    assert message.title == "gpu: 31 alerts"
    assert message.body.splitlines()[-1] == "and 21 more"
    assert message.severity is Severity.HIGH
    assert len(message.payload()["keys"]) == 31


def test_three_at_once_are_told_singly() -> None:
    assert [m.key for m in messages([Raised("a", alert(str(n))) for n in range(3)])] == ["0", "1", "2"]


@pytest.mark.parametrize("kind", ["osc9", "osc777", "osc99"])
def test_what_a_program_printed_cannot_end_a_notification(kind: str) -> None:
    hostile = "a\x1b\\\x07\x1b]52;c;aGk=\x07b\x9c"
    text = notification(kind, hostile, hostile, hostile)
    assert text.count("\x1b") == 2 * text.count("\x1b]")  # each sequence has its beginning and its end, and no other
    assert "\x07" not in text
    assert "\x9c" not in text


def test_a_notification_replaces_that_of_its_own_alert_and_no_other() -> None:
    def name(key: str) -> str:
        text = notification("osc99", key, "title", "body")
        head, body = re.findall(r"\x1b]99;i=([A-Za-z0-9_.+-]+):", text)
        assert head == body
        return str(head)

    assert name("box/ask/a.1") == name("box/ask/a.1") != name("box/ask/a.2")


def test_a_notification_gets_through_tmux() -> None:
    text = notification("osc9", "k", "title", "body")
    assert wrapped(text, {}) == "\x1b]9;title: body\x1b\\"
    assert wrapped(text, {"TMUX": "x"}) == "\x1bPtmux;\x1b\x1b]9;title: body\x1b\x1b\\\x1b\\"
    assert wrapped("\a", {"TMUX": "x"}) == "\a"
