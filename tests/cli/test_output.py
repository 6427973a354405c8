"""What commands print: tables, ages, words for a state."""

from __future__ import annotations

import pytest

from node_agent.protocol.entities import AskInfo, ExitInfo, SessionInfo
from node_agent.protocol.ids import AskId, SessionId
from node_agent.protocol.states import AskKind, Attention, SessionState
from relaytui.cli.describe import command_line, session_json, state_words
from relaytui.cli.output import print_table
from relaytui.cli.start import parse_size


def a_session(
    attention: Attention = Attention.WORKING,
    state: SessionState = SessionState.RUNNING,
    ask: AskInfo | None = None,
    exit: ExitInfo | None = None,
) -> SessionInfo:
    return SessionInfo(
        SessionId("a3"),
        "title",
        ("make", "-j 8"),
        "/src",
        120,
        40,
        1000.0,
        5.0,
        state,
        attention,
        5.0,
        ask=ask,
        exit=exit,
    )


@pytest.mark.parametrize(
    ("session", "words"),
    [
        (a_session(), "▶ working"),
        (a_session(Attention.IDLE), "· idle"),
        (a_session(Attention.UNKNOWN), "? unknown"),
        (a_session(Attention.ASKING, ask=AskInfo(AskId("1"), AskKind.CONFIRM, "ok?", 1.0)), "◆ asking confirm"),
        (a_session(Attention.EXITED, SessionState.EXITED, exit=ExitInfo(0)), "✓ done"),
        (a_session(Attention.EXITED, SessionState.EXITED, exit=ExitInfo(3)), "✗ failed 3"),
        (a_session(Attention.EXITED, SessionState.EXITED, exit=ExitInfo(signal=9)), "✗ killed 9"),
        (a_session(Attention.EXITED, SessionState.LOST, exit=ExitInfo(reason="reboot")), "↯ lost"),
    ],
)
def test_a_state_is_symbol_and_word(session: SessionInfo, words: str) -> None:
    assert state_words(session) == words


def test_a_command_reads_as_a_shell_would_take_it() -> None:
    assert command_line(("make", "-j 8")) == "make '-j 8'"
    assert command_line(()) == "(login shell)"


def test_json_has_the_documented_fields() -> None:
    data = session_json("gpu", a_session(Attention.ASKING, ask=AskInfo(AskId("1"), AskKind.TEXT, "name?", 1.0)))
    wanted = "id node title command cwd tags size started attention since ask exited stale"
    assert data.keys() >= set(wanted.split(" "))
    assert data["size"] == [120, 40]
    assert data["exited"] is None
    assert data["ask"].keys() == {"id", "kind", "excerpt", "options", "since", "quiet"}


def test_a_table_aligns_wide_characters_and_obeys_nothing_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("ID", "TITLE"), [("a", "日本"), ("bcd", "x\x1b]0;evil\x07")])
    assert capsys.readouterr().out.splitlines() == ["ID   TITLE", "a    日本", "bcd  x␛]0;evil␇"]


def test_a_size_is_columns_by_rows() -> None:
    assert parse_size("132x50") == (132, 50)
