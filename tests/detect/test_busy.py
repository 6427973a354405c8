"""What shows that a coding agent works, where it draws it; and the same words elsewhere, which show nothing."""

from __future__ import annotations

import pytest

from node_agent.detect import KernelEvidence, Program, Wait
from node_agent.protocol.states import Attention
from node_agent.terminal.engine import Event, EventKind, Modes
from tests.detect.playbook import RAW, UNREADABLE, Session
from tests.detect.still import StillEngine

RULE = "─" * 60
BOX = (
    "╭"
    + "─" * 58
    + "╮\n│ >   Type your message or @path/to/file                   │\n╰"
    + "─" * 58
    + "╯\n ~/proj     auto"
)
SCREENS = {
    "claude": "● Done.\n{said}\n\n{at_work}\n" + f"{RULE}\n❯ \n{RULE}\n" + "{hint}",
    "codex": "• Ran ls\n{said}\n\n{at_work}\n\n› Ask Codex to do anything\n\n  mock-1 default · ~/proj",
    "gemini": "✦ Done.\n{said}\n\n{at_work}\n" + BOX,
    "qwen": "✦ Done.\n{said}\n\n{at_work}\n" + BOX,
    "copilot": "● Done.\n{said}\n\n{at_work}\n" + f"{RULE}\n❯  Describe a task to get started\n{RULE}\n",
    "opencode": "     ▣  Build · Mock 1\n{said}\n\n  ┃\n  ┃\n  ┃  Build · Mock 1 Mock\n  ╹▀▀▀▀▀▀▀▀▀▀▀▀\n{at_work}\n",
}
"""How each draws itself: what it has said, the row that shows that it works, its composer, and hints."""

AT_WORK = [
    ("claude", "✻ Pondering… (12s · ↑ 2.1k tokens · esc to interrupt)"),
    ("claude", "✻ Pondering… (esc to interrupt · ctrl+t to hide todos · 3s)"),
    ("claude", "· Swooping… (1h 2m 3s · still thinking)"),
    ("codex", "• Working (4s • esc to interrupt)"),
    ("codex", "◦ Reading the tests (1m 02s • esc to interrupt) · 1 background terminal running · /ps to view"),
    ("codex", "• Working (12s • esc to…"),
    ("gemini", " ⠏ Thinking about it (esc to cancel, 3s)          ? for shortcuts"),
    ("gemini", " (esc to cancel, 1m 3s)"),
    ("qwen", " ⠏ Almost there (12s · esc to cancel)"),
    ("copilot", " ◉ Thinking (Esc to cancel · 1.2 KiB)"),
    ("opencode", "   ⬝⬝⬝⬝⬝⬝⬝⬝  esc interrupt                tab agents  ctrl+p commands"),
    ("opencode", "   ⬝⬝⬝⬝⬝⬝⬝⬝  esc again to interrupt       tab agents  ctrl+p commands"),
    ("opencode", "   [⋯]  Rate limited [retrying in 5s]  esc interrupt"),
]
HINTS = [
    "  esc to interrupt · ← for agents                    ● high · /effort",
    "  ⏵⏵ accept edits on (shift+tab to cycle) · esc to interrupt",
    "  ~/proj main\n  ? for shortcuts                            ctrl+c to interrupt",
]
"""Where Claude Code says it under its composer."""

SAID = [
    "  esc to interrupt is what ends a turn",
    "  press esc to interrupt",
    "  * the footer reads esc to interrupt (or esc interrupt)",
    "  It stops with (esc to interrupt), with (esc to cancel, 5s) too",
    "  quit with q (esc to cancel)",
    "  tab to submit answer | esc to interrupt",
]


def shown(program: str, said: str = "", at_work: str = "", hint: str = "  ? for shortcuts") -> Session:
    text = SCREENS[program].format(said=said, at_work=at_work, hint=hint)
    markers = ("❯", "›", "│ >") if program != "opencode" else ("  ┃",)
    row = next(at for at, line in enumerate(text.split("\n")) if line.startswith(markers))
    session = Session("", KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, program),)), RAW)
    modes = Modes(alternate_screen=program == "opencode")
    session.engine = StillEngine(text, 110, 40, (row, 5 if program == "opencode" else 2), modes)
    session.run(6)
    return session


@pytest.mark.parametrize(("program", "row"), AT_WORK)
def test_what_it_draws_while_it_works_is_work(program: str, row: str) -> None:
    assert shown(program, at_work=row).attention is Attention.WORKING


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_under_the_composer_is_work(hint: str) -> None:
    assert shown("claude", hint=hint).attention is Attention.WORKING


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("program", SCREENS)
def test_words_about_it_are_not(program: str, said: str) -> None:
    assert shown(program, said).attention is Attention.IDLE


@pytest.mark.parametrize("said", SAID)
def test_nor_at_a_remote_shells_prompt(said: str) -> None:
    session = Session("", UNREADABLE, RAW)
    session.engine = StillEngine(f"$ cat notes\n{said}\nann@far:~$ ")
    session.run(6)
    assert session.attention is Attention.IDLE


@pytest.mark.parametrize("by_mark", [False, True])
def test_a_shells_line_editor_is_at_rest_under_the_very_row(by_mark: bool) -> None:
    session = Session("", UNREADABLE, RAW)
    session.engine = StillEngine(
        "$ cat screen\n✻ Pondering… (12s · esc to interrupt)\nann@far:~$ ", modes=Modes(bracketed_paste=not by_mark)
    )
    if by_mark:
        session.detector.on_event(session.at, Event(EventKind.PROMPT_MARK, "A", 1))
    session.run(6)
    assert session.attention is Attention.IDLE


def test_words_about_it_do_not_outweigh_a_hook_that_says_it_rests() -> None:
    session = Session(
        "thinking\npress esc to interrupt", KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, "claude"),))
    )
    session.termios = RAW
    session.detector.on_report(session.at, "idle", "", "Stop")
    session.run(20)
    assert session.says(Attention.IDLE)


@pytest.mark.parametrize("title", ["⠂ Claude Code", "◐ Claude Code"])
def test_a_title_that_turns_is_work(title: str) -> None:
    session = Session("", KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, "claude"),)), RAW)
    session.engine = StillEngine(f"{RULE}\n❯ \n{RULE}\n", cursor=(1, 2), title=title)
    session.run(6)
    assert session.attention is Attention.WORKING
