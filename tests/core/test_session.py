"""What a session is called, how it stands with the operator, and what its clients see of it."""

from __future__ import annotations

import pytest

from node_agent.core.attention import attention_of
from node_agent.core.cursor import Resumption, resume
from node_agent.core.event_log import MOST_IN_MEMORY, EventLog, StoredEvent
from node_agent.core.moment import Moment
from node_agent.core.pacing import Pacer
from node_agent.core.session import Session
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.states import Attention, EventKind, SessionState


def make_session(command: tuple[str, ...] = ("/usr/bin/make", "-j2"), cwd: str = "/src/kernel") -> Session:
    return Session(SessionId("s1"), command, cwd, 80, 24, Moment("", 0.0, 1000.0), 1, state=SessionState.RUNNING)


def test_a_title_is_the_operators_else_the_terminals_else_command_and_directory() -> None:
    session = make_session()
    assert session.title == "make -j2 · kernel"
    session.terminal_title = "building"
    assert session.title == "building"
    session.given_title = "the build"
    assert session.title == "the build"


def test_a_title_carries_nothing_a_terminal_obeys() -> None:
    session = make_session(command=("sh", "-c", "\x1b]52;c;x\x07"))
    assert "\x1b" not in session.info(Moment("b", 0.0, 2000.0)).title


@pytest.mark.parametrize("state", list(SessionState))
@pytest.mark.parametrize("verdict", list(Attention))
def test_attention_is_the_verdict_of_a_running_session_whose_screen_is_current(
    state: SessionState, verdict: Attention
) -> None:
    has_ended = state in (SessionState.EXITED, SessionState.CLOSED, SessionState.LOST)
    assert attention_of(state, True, verdict) is (Attention.EXITED if has_ended else verdict)
    unseen = Attention.WORKING if verdict is Attention.WORKING else Attention.UNKNOWN
    assert attention_of(state, False, verdict) is (Attention.EXITED if has_ended else unseen)


def test_since_when_is_remembered_while_attention_stays_the_same() -> None:
    session = make_session()
    session.catching_up = False
    session.verdict = Attention.WORKING
    assert session.note_attention(Moment("b", 10.0, 1010.0))
    assert not session.note_attention(Moment("b", 20.0, 1020.0))
    assert session.info(Moment("b", 25.0, 1025.0)).attention_age == 15.0
    session.verdict = Attention.IDLE
    assert session.note_attention(Moment("b", 30.0, 1030.0))


def test_ages_are_told_by_the_boot_clock_and_over_a_reboot_by_the_wall_clock() -> None:
    opened = Moment("first", 100.0, 5000.0)
    assert opened.age_at(Moment("first", 130.0, 9000.0)) == 30.0
    assert opened.age_at(Moment("second", 3.0, 5060.0)) == 60.0
    assert opened.age_at(Moment("second", 3.0, 4000.0)) == 0.0


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (("s", 7), Resumption(7, False)),
        (("s", 10), Resumption(10, False)),
        (("s", 4), Resumption(4, False)),
        (("s", 3), Resumption(4, True)),  # event 4 is gone
        (("s", 11), Resumption(4, True)),  # a number this store never gave
        (("other", 7), Resumption(4, True)),
        (("", 0), Resumption(4, False)),  # a consumer without a past
        (("", 10), Resumption(10, False)),
    ],
)
def test_a_cursor_is_honoured_or_said_not_to_be(cursor: tuple[str, int], expected: Resumption) -> None:
    assert resume(StoreId("s"), 5, 10, StoreId(cursor[0]), cursor[1]) == expected


def event(n: int) -> StoredEvent:
    return StoredEvent(n, EventKind.SESSION_STARTED, Moment("", 0.0, 0.0), SessionId("s1"), {})


def test_recent_events_are_in_memory_and_older_ones_are_said_not_to_be() -> None:
    log = EventLog(1, 5)
    for n in range(6, 6 + MOST_IN_MEMORY + 10):
        log.add(event(n))
    found = log.after(log.last - 3, 2)
    assert found is not None
    assert [e.n for e in found] == [log.last - 2, log.last - 1]
    assert log.after(log.last, 5) == []
    assert log.after(5, 5) is None


def test_an_event_nobody_told_of_is_looked_for_in_the_store() -> None:
    log = EventLog(1, 5)
    for n in (6, 7, 9, 10, 8):
        log.add(event(n))
    assert log.last == 10
    assert log.after(6, 5) is None
    assert log.after(7, 5) is None
    found = log.after(8, 5)
    assert found is not None
    assert [e.n for e in found] == [9, 10]


def test_notices_of_one_subject_keep_their_distance_unless_urgent() -> None:
    pacer: Pacer[str] = Pacer(1.0)
    pacer.mark("a", 10.0)
    assert pacer.take_one(10.0) == "a"
    pacer.mark("a", 10.2)
    pacer.mark("b", 10.2)
    assert pacer.take_one(10.2) == "b"
    assert pacer.take_one(10.9) is None
    assert pacer.next_due() == 11.0
    pacer.mark("a", 10.5, at_once=True)
    assert pacer.take_one(10.5) == "a"
    assert pacer.take_one(99.0) is None
