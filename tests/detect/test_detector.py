"""The state machine of one session, as playbooks: what happens, and the asks that come of it."""

from __future__ import annotations

import pytest

from node_agent.detect import AskRefined, KernelEvidence, Program, Wait
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Event, EventKind, Modes
from tests.detect.playbook import HIDDEN, LOOP, NOBODY, RAW, READING, UNREADABLE, Session, asked


def test_a_blocked_read_is_an_ask_within_a_quarter_of_a_second() -> None:
    session = Session("Continue? [y/N] ")
    session.run(0.25)
    assert session.attention is Attention.ASKING
    assert session.ask.kind is AskKind.CONFIRM
    assert session.ask.program == "installer"


def test_nobody_reading_is_work_whatever_the_text_says() -> None:
    session = Session("Password: ", NOBODY)
    session.run(600)
    assert session.attention is Attention.WORKING
    assert session.opened == []


def test_no_echo_is_a_password_whatever_the_text_says() -> None:
    assert asked("The magic thing ", termios=HIDDEN).ask.kind is AskKind.PASSWORD


def test_a_submit_followed_by_output_ends_the_ask() -> None:
    session = asked()
    session.send(b"y\r")
    assert session.closed == []
    session.show("Continue? [y/N] y\n")
    session.kernel = NOBODY
    session.run(1)
    assert [change.reason for change in session.closed] == ["a submit was followed by output"]
    assert session.attention is Attention.WORKING


def test_the_same_question_after_an_answer_is_a_new_ask_however_soon() -> None:
    for pause in (0.0, 1.0, 3.0, 5.0, 8.0, 12.0):
        session = asked()
        session.send(b"y\r")
        session.show("Continue? [y/N] y\n")
        session.kernel = NOBODY
        session.run(pause)
        session.kernel = READING
        session.show("Continue? [y/N] y\nContinue? [y/N] ")
        session.run(2)
        assert [change.ask.serial for change in session.opened] == [1, 2], pause


def test_arrow_keys_typing_resizes_and_redraws_neither_end_nor_repeat() -> None:
    session = asked()
    for keys, text in ((b"\x1b[A", ""), (b"y", "y"), (b"e", "ye"), (b"\x7f", "y"), (b"\x1b\r", "y")):
        session.send(keys)
        session.show(f"Continue? [y/N] {text}")
        session.run(1)
    session.detector.on_resize(session.at)
    session.show("Continue? [y/N] y")
    session.run(5)
    assert len(session.opened) == 1
    assert session.closed == []


def test_a_newline_in_a_paste_is_no_submit() -> None:
    session = asked("Describe it: ")
    session.send(b"\x1b[200~two\nlines\x1b[201~")
    session.show("Describe it: two lines")
    session.run(2)
    assert session.closed == []


def test_a_reader_that_leaves_ends_the_ask_without_output() -> None:
    session = asked()
    session.kernel = NOBODY
    session.run(5)
    assert len(session.closed) == 1
    assert session.attention is Attention.WORKING


def test_a_reader_busy_for_one_look_does_not_end_the_ask() -> None:
    session = asked()
    session.run(20)
    session.kernel = NOBODY
    session.send(b"\x1b[B")
    session.run(0.07)
    session.kernel = READING
    session.run(5)
    assert session.closed == []


def test_another_reader_is_another_ask() -> None:
    session = asked()
    session.kernel = READING._replace(programs=(Program(11, "installer"),))
    session.run(5)
    assert [change.ask.pid for change in session.opened] == [7, 11]
    assert len(session.closed) == 1


def test_a_clock_and_a_spinner_on_the_screen_change_nothing() -> None:
    session = asked("⠋ 12:00:00\nContinue? [y/N] ")
    for second in range(40):
        session.show(f"{'⠙⠹⠸⠼'[second % 4]} 12:00:{second:02}\nContinue? [y/N] ")
        session.run(0.1)
    assert len(session.opened) == 1
    assert session.closed == []
    assert session.attention is Attention.ASKING


def test_an_ask_opens_while_a_spinner_spins_faster_than_any_pause() -> None:
    session = Session("⠋ \nContinue? [y/N] ")
    for turn in range(40):
        session.show(f"{'⠙⠹⠸⠼'[turn % 4]} \nContinue? [y/N] ")
        session.run(0.04)
    assert len(session.opened) == 1


def test_nothing_is_probed_while_output_flows() -> None:
    session = Session("", NOBODY)
    for line in range(200):
        session.show(f"compiling file {line}")
        session.run(0.03)
    assert session.probes == 0


def test_output_that_never_paused_is_work() -> None:
    session = Session("", NOBODY)
    session.detector.on_behind(session.at, True)  # as each session begins
    session.detector.on_behind(session.at, False)
    assert session.says(Attention.UNKNOWN)
    for line in range(40):
        session.show(f"request {line}")
        session.run(0.03)
    assert session.says(Attention.WORKING)


def test_probes_grow_rare_with_silence() -> None:
    session = Session("building", NOBODY)
    session.run(60)
    first_minute = session.probes
    session.run(600)
    assert first_minute < 80
    assert session.probes - first_minute <= 600


def test_output_that_never_pauses_ends_a_prompt_it_scrolled_away() -> None:
    session = asked()
    for line in range(60):
        session.show("\n".join(f"log {line + n}" for n in range(20)))
        session.run(0.03)
    assert [change.reason for change in session.closed] == ["output flows and the prompt is gone"]


def test_exit_closes_the_ask_and_is_final() -> None:
    session = asked()
    session.detector.on_exit(session.at, "code 1")
    session.run(5)
    assert len(session.closed) == 1
    assert session.attention is Attention.EXITED
    assert session.detector.wake_at is None


def test_behind_the_journal_nothing_is_known_and_the_ask_stays() -> None:
    session = asked()
    session.detector.on_behind(session.at, True)
    session.run(5)
    assert session.says(Attention.UNKNOWN)
    assert session.closed == []
    session.detector.on_behind(session.at, False)
    session.run(5)
    assert session.attention is Attention.ASKING
    assert len(session.opened) == 1


def test_output_that_comes_faster_than_it_is_drawn_is_work() -> None:
    session = Session("line", NOBODY)
    session.detector.on_behind(session.at, True)
    assert session.says(Attention.UNKNOWN)
    for _ in range(30):
        session.detector.on_growth(session.at)
        session.run(0.2)
        assert session.says(Attention.WORKING)
    session.run(2)
    assert session.says(Attention.UNKNOWN)
    session.detector.on_growth(session.at)
    session.detector.on_behind(session.at, False)
    session.show("Continue? [y/N] ")
    session.kernel = READING
    session.run(2)
    assert session.says(Attention.ASKING)


def test_output_ahead_of_the_screen_does_not_hide_an_open_ask() -> None:
    session = asked()
    session.detector.on_behind(session.at, True)
    session.detector.on_growth(session.at)
    session.run(0.5)
    assert session.says(Attention.UNKNOWN)
    assert session.closed == []


def test_a_screen_is_not_read_while_nobody_reads_the_terminal() -> None:
    session = Session("Continue? [y/N] ", NOBODY)
    session.run(5)
    session.detector.on_report(session.at, "asking", "Deploy?", "deploy.sh")
    assert (session.ask.question, session.ask.options) == ("Deploy?", ())


def test_a_restart_finds_the_same_ask() -> None:
    session = asked()
    session.send(b"ye")
    session.show("Continue? [y/N] ye")
    before = session.ask
    session.restart()
    session.run(5)
    assert session.ask.serial == before.serial
    assert session.ask.identity == before.identity
    assert len(session.opened) == 1
    assert session.closed == []
    assert session.attention is Attention.ASKING


def test_a_restart_ends_what_was_answered_meanwhile() -> None:
    session = asked()
    session.kernel = NOBODY
    session.restart()
    session.run(5)
    assert len(session.closed) == 1
    assert session.attention is Attention.WORKING


def test_a_restart_replaces_an_ask_that_became_another() -> None:
    session = asked()
    session.restart()
    session.show("Overwrite config? [y/N] ")
    session.run(5)
    assert [change.ask.serial for change in session.opened] == [1, 2]
    assert [change.ask.serial for change in session.closed] == [1]


def test_a_report_raises_at_once_and_work_clears_it() -> None:
    session = Session("thinking", LOOP, RAW)
    session.run(1)
    session.detector.on_report(session.at, "asking", "Run rm -rf build?", "PermissionRequest")
    session.run(0.01)
    assert session.attention is Attention.ASKING
    assert session.ask.question == "Run rm -rf build?"
    session.run(30)
    assert session.closed == []
    session.kernel = NOBODY._replace(programs=LOOP.programs)
    session.run(10)
    assert len(session.closed) == 1


def test_a_report_and_the_dialog_it_announces_are_one_ask() -> None:
    session = Session("thinking", LOOP, RAW)
    session.detector.on_report(session.at, "asking", "Bash: rm -rf build", "PermissionRequest")
    session.run(0.2)
    session.show("Do you want to proceed?\n❯ 1. Yes\n  2. No\n")
    session.run(5)
    assert session.attention is Attention.ASKING
    assert (len(session.opened), session.closed) == (1, [])
    assert session.ask.question == "Do you want to proceed?"
    assert [option.label for option in session.ask.options] == ["Yes", "No"]
    assert session.ask.command == "Bash: rm -rf build"
    assert [change for change in session.changes if isinstance(change, AskRefined)] == [AskRefined(session.ask)]


DIALOG = "Do you want to proceed?\n❯ 1. Yes\n  2. No\n"
COMPOSER = f"{'─' * 60}\n❯ \n{'─' * 60}\n  ? for shortcuts"
TRANSCRIPT = "● Ran rm -rf build\n\n  Showing detailed transcript"


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("after", ["● Ran it.\n\n· Swooping…", TRANSCRIPT, COMPOSER])
def test_a_key_without_enter_ends_the_ask_that_a_report_told_of(after: str, is_late: bool) -> None:
    session = Session("thinking", LOOP, RAW)
    if is_late:  # the hook ran after the dialog was drawn
        session.show(DIALOG)
        session.run(2)
    session.detector.on_report(session.at, "asking", "Bash: rm -rf build", "PermissionRequest")
    session.run(0.2)
    session.show(DIALOG)
    session.run(2)
    session.send(b"2" if after != COMPOSER else b"\x1b")
    session.show(after, (1, 2) if after == COMPOSER else None)
    session.run(2)
    assert (len(session.opened), len(session.closed)) == (1, 1)
    assert session.says(Attention.IDLE if after == COMPOSER else Attention.WORKING)


@pytest.mark.parametrize("is_drawn", [True, False])
def test_a_report_that_is_over_opens_no_second_ask(is_drawn: bool) -> None:
    session = Session("thinking", LOOP, RAW)
    session.detector.on_report(session.at, "asking", "Bash: rm -rf build", "PermissionRequest")
    if is_drawn:
        session.run(0.2)
        session.show(DIALOG)
    session.run(2)
    session.send(b"\x1b")
    session.show(COMPOSER, (1, 2))
    session.run(30)
    assert session.says(Attention.IDLE)
    session.send(b"\x0f")
    session.show(TRANSCRIPT)
    session.run(10)
    assert (len(session.opened), len(session.closed)) == (1, 1)


def test_a_dialog_drawn_long_after_its_report_is_the_ask_it_told_of() -> None:
    session = Session(COMPOSER, LOOP, RAW)
    session.show(COMPOSER, (1, 2))
    session.run(2)
    session.detector.on_report(session.at, "asking", "Bash: rm -rf build", "PermissionRequest")
    session.run(4)
    session.show(DIALOG)
    session.run(2)
    assert (len(session.opened), session.closed) == (1, [])


def test_an_idle_report_rests_until_the_program_works_again() -> None:
    session = Session("done", LOOP, RAW)
    session.detector.on_report(session.at, "idle", "", "Stop")
    session.run(20)
    assert session.says(Attention.IDLE)
    session.show("✻ Thinking… (1s · esc to interrupt)")
    session.run(3)
    assert session.attention is Attention.WORKING


def test_behind_a_relay_silence_alone_never_asks() -> None:
    session = Session("deploying release 41", UNREADABLE, RAW)
    session.run(900)
    assert session.opened == []
    assert session.attention is Attention.UNKNOWN


def test_behind_a_relay_a_prompt_at_the_cursor_asks() -> None:
    session = asked("Deploy now? [y/N] ", UNREADABLE, RAW)
    assert session.ask.kind is AskKind.CONFIRM


def test_behind_a_relay_a_shells_prompt_mark_is_rest() -> None:
    session = Session("anything at all", UNREADABLE, RAW)
    session.detector.on_event(session.at, Event(EventKind.PROMPT_MARK, "A", 1))
    session.engine.modes = Modes(bracketed_paste=True)
    session.show("host$ ")
    session.run(2)
    assert session.attention is Attention.IDLE


def test_progress_is_work() -> None:
    session = Session("packing > ", LOOP, RAW)
    session.detector.on_event(session.at, Event(EventKind.PROGRESS, "1;40", 1))
    session.run(5)
    assert session.attention is Attention.WORKING


def test_a_notification_that_a_rule_knows_is_a_report() -> None:
    session = Session("", LOOP, RAW)
    session.run(1)
    session.detector.on_event(
        session.at, Event(EventKind.NOTIFICATION, "\nClaude needs your permission to use Bash", 1)
    )
    session.run(0.5)
    assert session.attention is Attention.ASKING


def test_busy_and_silent_for_minutes_is_noted() -> None:
    session = Session("✻ Thinking… (1s · esc to interrupt)", LOOP, RAW)
    session.run(400)
    assert session.attention is Attention.WORKING
    assert session.detector.verdict.note == "stuck?"


def test_explain_names_the_evidence() -> None:
    session = asked()
    facts = {fact.source: fact.text for fact in session.detector.explain(session.at)}
    assert facts["kernel"] == "installer (7) is blocked in read(the tty)"
    assert facts["termios"] == "line editing by the kernel, echo on"
    assert "Continue? [y/N]" in facts["screen"]
    assert session.ask.rule == "blocked in read(tty); line: yes or no"


def test_an_editor_that_another_program_waits_for_is_told_from_one_that_was_typed() -> None:
    vim, git = Program(7, "vim"), Program(6, "git")
    for programs, is_alone in (((vim,), True), ((vim, git), False)):
        session = Session("~", KernelEvidence(Wait.POLLING, None, programs), RAW)
        session.run(2)
        assert (session.ask.kind, session.ask.is_alone) == (AskKind.EDITOR, is_alone)


def test_options_follow_the_marked_one() -> None:
    session = Session("Proceed?\n❯ 1. Yes\n  2. No\n", LOOP, RAW)
    session.run(2)
    assert [option.label for option in session.ask.options if option.selected] == ["Yes"]
    session.send(b"\x1b[B")
    session.show("Proceed?\n  1. Yes\n❯ 2. No\n")
    session.run(3)
    assert [option.label for option in session.ask.options if option.selected] == ["No"]
    assert len(session.opened) == 1
