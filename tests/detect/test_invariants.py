"""No order of events makes two open asks of one, loses a blocked read, or survives a restart as another ask."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node_agent.detect import AskClosed, AskOpened
from node_agent.protocol.states import Attention
from tests.detect.playbook import COOKED, HIDDEN, LOOP, NOBODY, RAW, READING, UNREADABLE, Session

TEXTS = [
    "",
    "Continue? [y/N] ",
    "Continue? [y/N] y",
    "log line\n",
    "Password: ",
    "> ",
    "Pick:\n❯ 1. Yes\n  2. No\n",
    "12:00:01 x? ",
]
KEYS = [b"y", b"\r", b"\x1b[A", b"\x03", b"q", b"\x1b[200~a\nb\x1b[201~"]

ACTION = st.one_of(
    st.tuples(st.just("show"), st.sampled_from(TEXTS)),
    st.tuples(st.just("send"), st.sampled_from(KEYS)),
    st.tuples(st.just("run"), st.sampled_from([0.0, 0.03, 0.08, 0.2, 1.0, 4.0])),
    st.tuples(st.just("kernel"), st.sampled_from([READING, NOBODY, LOOP, UNREADABLE])),
    st.tuples(st.just("termios"), st.sampled_from([COOKED, RAW, HIDDEN])),
    st.tuples(st.just("resize"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("report"), st.sampled_from(["asking", "working", "idle", "done"])),
    st.tuples(st.just("behind"), st.booleans()),
    st.tuples(st.just("growth"), st.none()),
)


def play(session: Session, actions: list[tuple[str, object]]) -> None:
    for name, value in actions:
        if name == "show":
            session.show(str(value))
        elif name == "send":
            assert isinstance(value, bytes)
            session.send(value)
        elif name == "run":
            assert isinstance(value, float)
            session.run(value)
        elif name in ("kernel", "termios"):
            setattr(session, name, value)
        elif name == "resize":
            session.detector.on_resize(session.at)
        elif name == "restart":
            session.run(0.0)  # what was decided was stored
            session.restart()
        elif name == "report":
            session.detector.on_report(session.at, str(value), "", "hook")
        elif name == "growth":
            session.detector.on_growth(session.at)
        else:
            session.detector.on_behind(session.at, bool(value))


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTION, max_size=25))
def test_at_most_one_ask_is_open_and_each_closes_once(actions: list[tuple[str, object]]) -> None:
    session = Session()
    play(session, actions)
    session.detector.on_exit(session.at)
    session.run(1.0)
    opened = 0
    open_now: int | None = None
    for change in session.changes:
        if isinstance(change, AskOpened):
            assert open_now is None
            opened += 1
            assert change.ask.serial == opened
            open_now = change.ask.serial
        elif isinstance(change, AskClosed):
            assert change.ask.serial == open_now
            open_now = None
    assert open_now is None


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTION, max_size=25))
def test_a_blocked_read_with_a_question_is_always_asked_in_the_end(actions: list[tuple[str, object]]) -> None:
    session = Session()
    play(session, actions)
    session.detector.on_behind(session.at, False)
    session.kernel, session.termios = READING, COOKED
    session.show("Really delete it? [y/N] ")
    session.run(10.0)
    assert session.attention is Attention.ASKING
    assert session.detector.ask is not None


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTION, max_size=15), st.sampled_from([0.0, 0.05, 0.3, 2.0]))
def test_a_restart_reconciles_to_the_same_ask(actions: list[tuple[str, object]], pause: float) -> None:
    session = Session()
    play(session, actions)
    session.detector.on_behind(session.at, False)
    session.kernel, session.termios = READING, COOKED
    session.show("Really delete it? [y/N] ")
    session.run(10.0)
    before = session.ask
    session.restart()
    session.run(pause)
    session.restart()
    session.run(10.0)
    assert session.ask.serial == before.serial
    assert session.ask.identity == before.identity
    assert session.attention is Attention.ASKING
