"""Alerts, mutes and marks as values: no process, no clock."""

from __future__ import annotations

import json

import pytest

from node_agent.core.alert_text import coalesce
from node_agent.core.alerts import CLAIM_SECONDS, LEFT_AFTER, MOST_TRIES, AlertState, alert_from_json
from node_agent.core.marks import AskMarks, Span
from node_agent.core.moment import Moment
from node_agent.core.silence import is_quiet, parse_quiet, why_silent
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.settings import Mute, MuteScope, NodeSettings
from node_agent.protocol.states import AlertKind, AskKind, Severity


def at(seconds: float) -> Moment:
    return Moment("boot", seconds, 1000 + seconds)


def alert(key: str = "k", severity: Severity = Severity.NORMAL) -> AlertState:
    return AlertState(
        key, AlertKind.ASK, severity, f"host: {key} asks", "Proceed?", at(0), 1, SessionId("a"), AskId("a.1")
    )


def test_one_sender_has_the_claim_until_it_ends() -> None:
    state = alert()
    assert state.claim("ntfy", "hub", 7, at(1)).token == 7
    assert state.claim("ntfy", "console", 8, at(2)).token == 0
    assert state.claim("ntfy", "hub", 9, at(3)).token == 7, "a claimant whose reply was lost has its claim still"
    assert state.claim("bell", "console", 10, at(3)).token == 10, "channels are claimed apart"
    assert state.claim("ntfy", "console", 11, at(1 + CLAIM_SECONDS)).token == 11
    assert not state.report("ntfy", 7, True, "", at(17)), "the claim is another's by now"
    assert state.report("ntfy", 11, True, "", at(17))
    assert state.claim("ntfy", "hub", 12, at(1e6)).token == 0, "what was sent is never sent again"


def test_an_attached_terminal_keeps_silent_what_no_walk_away_strands() -> None:
    assert alert().may_be_looked_at(at(LEFT_AFTER - 1))
    assert not alert().may_be_looked_at(at(LEFT_AFTER)), "who looked would have answered"
    assert news().may_be_looked_at(at(1e6)), "nobody waits behind it"
    assert not alert(severity=Severity.HIGH).may_be_looked_at(at(1)), "it is told for the second time"


def news() -> AlertState:
    """An alert that nobody waits behind."""
    return AlertState("n", AlertKind.FAILURE, Severity.NORMAL, "host: it failed", "", at(0), 1, SessionId("a"))


def test_failures_are_tried_again_ever_later_and_not_for_ever() -> None:
    state, now, waits = news(), 0.0, []
    for token in range(1, MOST_TRIES + 1):
        assert state.claim("ntfy", "hub", token, at(now)).token == token
        assert state.report("ntfy", token, False, "refused", at(now))
        wait = state.due("ntfy", at(now))
        if wait is not None:
            assert state.claim("ntfy", "hub", 99, at(now + wait - 0.1)).token == 0
            waits.append(wait)
            now += wait
    assert waits == sorted(waits)
    assert len(waits) == MOST_TRIES - 1
    assert state.due("ntfy", at(1e9)) is None


def test_an_open_ask_is_never_given_up() -> None:
    state, now, waits = alert(), 0.0, []
    for token in range(1, 2000):
        assert state.claim("ntfy", "hub", token, at(now)).token == token
        assert state.report("ntfy", token, False, "refused", at(now))
        wait = state.due("ntfy", at(now))
        assert wait is not None
        waits.append(wait)
        now += wait
    assert waits == sorted(waits)
    assert waits[-1] == 600.0


def test_a_claim_that_lapsed_is_no_failure() -> None:
    state, now = news(), 0.0
    for token in range(1, 3 * MOST_TRIES):
        assert state.claim("ntfy", "hub", token, at(now)).token == token
        now += CLAIM_SECONDS
    assert state.due("ntfy", at(now)) == 0.0
    assert state.report("ntfy", 3 * MOST_TRIES - 1, False, "refused", at(now))
    assert state.due("ntfy", at(now)) == 10.0, "it is the first failure"


def test_the_node_waits_for_a_claim_before_it_sends_itself() -> None:
    state = alert()
    assert state.due("ntfy", at(5)) == CLAIM_SECONDS - 5
    assert state.due("ntfy", at(5), delay=20) == 20 + CLAIM_SECONDS - 5, "nobody else claims before the delay is over"
    state.claim("ntfy", "hub", 1, at(10))
    assert state.due("ntfy", at(12)) == CLAIM_SECONDS - 2
    assert state.due("ntfy", at(40)) == 0
    state.offered = at(100)  # it was silent until then
    assert state.due("bell", at(101)) == CLAIM_SECONDS - 1


def test_an_alert_comes_back_from_the_store_as_it_was() -> None:
    state = alert()
    state.claim("ntfy", "hub", 3, at(1))
    state.snooze = Span(at(2), 60.0)
    stored = json.loads(json.dumps(state.to_json()))
    assert alert_from_json(stored, state.n, state.is_open) == state


def test_many_alerts_at_once_are_one_message() -> None:
    few = [alert(str(number)) for number in range(3)]
    assert [message.key for message in coalesce(few)] == ["0", "1", "2"]
    many = [alert(str(number)) for number in range(29)] + [alert("29", Severity.HIGH)]
    (message,) = coalesce(many)
    assert (message.severity, len(message.alerts)) == (Severity.HIGH, 30)
    assert message.title == "host: 30 alerts"
    assert "and 20 more" in message.body


@pytest.mark.parametrize(
    ("hours", "minute", "quiet"),
    [
        ("22:00-07:00", 23 * 60, True),
        ("22:00-07:00", 6 * 60 + 59, True),
        ("22:00-07:00", 7 * 60, False),
        ("12:00-13:30", 13 * 60, True),
        ("12:00-13:30", 11 * 60, False),
        ("", 0, False),
    ],
)
def test_quiet_hours_go_over_midnight(hours: str, minute: int, quiet: bool) -> None:
    assert is_quiet(hours, minute) is quiet


@pytest.mark.parametrize("text", ["22-7", "25:00-07:00", "22:61-07:00", "night"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quiet hours|time of day"):
        parse_quiet(text)


def silent(settings: NodeSettings, kind: AlertKind = AlertKind.ASK, severity: Severity = Severity.NORMAL) -> str:
    return why_silent(settings, 60, SessionId("a"), AskKind.PAGER, kind, severity)


def test_mutes_and_quiet_hours_silence_what_they_name() -> None:
    assert silent(NodeSettings()) == ""
    for mute in (Mute(MuteScope.NODE), Mute(MuteScope.SESSION, "a"), Mute(MuteScope.KIND, "pager")):
        assert silent(NodeSettings(mutes=(mute,))) == "muted"
    assert silent(NodeSettings(mutes=(Mute(MuteScope.KIND, "ask"),))) == "muted"
    for mute in (Mute(MuteScope.SESSION, "b"), Mute(MuteScope.KIND, "confirm")):
        assert silent(NodeSettings(mutes=(mute,))) == ""
    night = NodeSettings(quiet="00:00-06:00")
    assert silent(night) == "quiet hours"
    assert silent(night, severity=Severity.HIGH) == ""
    assert silent(NodeSettings(mutes=(Mute(MuteScope.NODE),)), AlertKind.MANUAL) == ""


def test_marks_end_by_themselves_and_survive_the_store() -> None:
    marks = AskMarks("", "ann", Span(at(0), 60), Span(at(0), 0))
    again = AskMarks.from_json(json.loads(json.dumps(marks.to_json())))
    assert again == marks
    assert (again.claimant(at(59)), again.claimant(at(60))) == ("ann", "")
    assert again.is_snoozed(at(1e9)), "a snooze of 0 seconds lasts until the ask changes"
