"""The words of every rule quoted where nothing is asked, and the dialogs without options that use them in earnest."""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.detect import KernelEvidence, Program, Wait
from node_agent.detect.rules import Where, build_rule_book
from node_agent.detect.screen import read_prompt
from node_agent.detect.view import read_screen
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Modes
from node_agent.terminal.engines import create_engine
from tests.detect.playbook import RAW, RULES, UNREADABLE, Session
from tests.detect.still import StillEngine, view_of

RECORDINGS = Path(__file__).parent / "recordings"

QUOTES = {
    "aider: question": "Add it to the chat? (Y)es/(N)o [Yes]: ",
    "claude-code: trust": "run a quick safety check please",
    "claude-code: api key": "The script prints: Do you want to use this API key?",
    "claude-code: login": "It says: Select login method, or paste code here if prompted >",
    "claude-code: permission": "Do you want to run it?\n❯ 1. Yes",
    "claude-code: choose": "Enter to select · Tab to navigate · Esc to cancel",
    "codex: trust": "Do you trust the contents of this directory? is what it asks",
    "codex: login": "let users sign in with ChatGPT",
    "codex: approval": "It asks: Would you like to run the following command? twice",
    "codex: confirm bar": "Press enter to submit answer, esc to go back",
    "gemini: trust": "Do you trust this folder?",
    "gemini: login": "README: How would you like to authenticate",
    "gemini: approval": "log: Do you want to proceed? yes",
    "qwen-code: login": "free with Qwen OAuth",
    "qwen-code: approval": "log: Apply this change? yes",
    "copilot: trust": "fix the title of Confirm folder trust",
    "copilot: login": "error: Please use /login to sign in",
    "copilot: approval": "Do you want to run this command? was never shown",
    "opencode: permission": "Permission required for /srv",
    "opencode: always allow": "9f2c1 Always allow empty arrays",
    "opencode: question": "↑↓ select  enter submit  esc dismiss",
    "vim screen: empty lines and a ruler": "~\n~\n~\n~\n~",
    "nano screen: key bar": "^G Help      ^O Write Out",
    "fzf screen: counter over the line": "3/5\n> done",
    "fzf screen: counter under the line": "> step\n3/5 done",
}
"""Each rule's own words as a log, a diff or an answer may say them."""

ASKING = {
    rule.name: rule
    for program in RULES.programs
    for rule in program.rules
    if program.anywhere and rule.state is Attention.ASKING and rule.where not in (Where.TITLE, Where.NOTIFICATION)
}

GEMINI = (
    "✦ {quote}\n\n{spinner}\n"
    "╭──────────────────────────────────────────────────────╮\n"
    "│ >   Type your message or @path/to/file                │\n"
    "╰──────────────────────────────────────────────────────╯\n"
    " ~/proj                no sandbox               auto"
)
COPILOT = "● {quote}\n\n{spinner}\n{rule}\n❯  Describe a task to get started\n{rule}\n ctrl+c Exit"
DRAWN = {
    "gemini": (GEMINI, " ⠏ Thinking about it (esc to cancel, 3s)"),
    "qwen-code": (GEMINI, " ⠏ Thinking about it (esc to cancel, 3s)"),
    "copilot": (COPILOT, " ◉ Thinking (Esc to cancel)"),
}
"""Programs of which there is no recording at work or at rest: how they draw it, and their spinner."""

PLACES = {
    "claude-working": 15,
    "claude-idle": 13,
    "codex-working": 33,
    "codex-idle": 36,
    "opencode-working": 33,
    "opencode-idle": 19,
}
"""The row of each recording's last screen that what the program says last stands above."""


def test_each_rule_is_quoted() -> None:
    assert set(QUOTES) == set(ASKING)
    assert [name for name, rule in ASKING.items() if not rule.pattern.search(QUOTES[name])] == []


def spliced(name: str, quote: str) -> StillEngine:
    """A recording's last screen with a quotation just above where the program works or waits."""
    engine = create_engine(columns=110, rows=40)
    engine.feed((RECORDINGS / f"{name}.raw").read_bytes())
    view = read_screen(engine)
    lines, place = list(view.lines), PLACES[name]
    quoted = [f"  {line}" for line in quote.split("\n")]
    row = view.row
    lines[place:place] = [*quoted, ""]
    for _ in range(len(quoted) + 1):
        if not lines[-1].strip():
            lines.pop()
            row += 1
        else:
            lines.pop(max(at for at in range(place) if not lines[at].strip()))
            place -= 1
    cursor = (row, len(view.before))
    return StillEngine("\n".join(lines), 110, 40, cursor, engine.modes, view.title)


def seen(command: str) -> KernelEvidence:
    return KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, command),))


def shown(engine: StillEngine, kernel: KernelEvidence) -> Session:
    session = Session("", kernel, RAW)
    session.engine = engine
    session.run(8)
    return session


SPLICED = [
    (name, recording)
    for name in QUOTES
    for recording in PLACES
    if recording.partition("-")[0] == name.split(":")[0].split("-")[0]
]


@pytest.mark.parametrize("relay", ["", "ssh"])
@pytest.mark.parametrize(("name", "recording"), SPLICED)
def test_a_coding_agent_that_quotes_a_question_goes_on(name: str, recording: str, relay: str) -> None:
    program, _, state = recording.partition("-")
    session = shown(spliced(recording, QUOTES[name]), UNREADABLE if relay else seen(program))
    assert session.opened == []
    assert session.attention is (Attention.WORKING if state == "working" else Attention.IDLE)


@pytest.mark.parametrize("state", [Attention.WORKING, Attention.IDLE])
@pytest.mark.parametrize("name", [name for name in QUOTES if name.split(":")[0] in DRAWN])
def test_one_without_a_recording_does_too(name: str, state: Attention) -> None:
    program = name.split(":")[0]
    screen, spinner = DRAWN[program]
    text = screen.format(quote=QUOTES[name], spinner=spinner if state is Attention.WORKING else "", rule="─" * 60)
    row = next(at for at, line in enumerate(text.split("\n")) if line.startswith(("│ >", "❯")))
    session = shown(StillEngine(text, cursor=(row, 4)), seen(program.partition("-")[0]))
    assert session.opened == []
    assert session.attention is state


@pytest.mark.parametrize("paste", [False, True])
@pytest.mark.parametrize("name", QUOTES)
def test_words_above_a_remote_shells_prompt_ask_nothing(name: str, paste: bool) -> None:
    engine = StillEngine(f"{QUOTES[name]}\nann@far:~$ ", modes=Modes(bracketed_paste=paste))
    session = shown(engine, UNREADABLE)
    assert session.opened == []
    assert session.attention is Attention.IDLE


@pytest.mark.parametrize("name", QUOTES)
def test_words_of_a_remote_script_that_works_in_silence_ask_nothing(name: str) -> None:
    session = shown(StillEngine(f"starting\n{QUOTES[name]}\n"), UNREADABLE)
    assert session.opened == []
    assert session.attention is Attention.UNKNOWN


def test_a_title_that_a_dead_program_left_behind_asks_nothing() -> None:
    session = shown(StillEngine("ann@far:~$ ", title="Action Required (proj)"), UNREADABLE)
    assert session.opened == []


def test_what_a_remote_line_asks_is_not_taken_for_words_above_it() -> None:
    session = shown(StillEngine(f"{QUOTES['codex: login']}\nDeploy now? [y/N] "), UNREADABLE)
    assert (session.ask.kind, session.ask.question) == (AskKind.CONFIRM, "Deploy now? [y/N]")


KEY_BOX = (
    "  Use your own OpenAI API key for usage-based billing\n"
    "  Paste or type your API key below.\n\n"
    "╭API key──────────────────────────────╮\n"
    "│Paste or type your API key           │\n"
    "╰─────────────────────────────────────╯\n"
    "  Press Enter to save\n"
    "  Press Esc to go back"
)
GEMINI_KEY = (
    "╭────────────────────────────────────────╮\n"
    "│ Enter Gemini API Key                   │\n"
    "│                                        │\n"
    "│ ┌────────────────────────────────────┐ │\n"
    "│ │ Paste your API key here            │ │\n"
    "│ └────────────────────────────────────┘ │\n"
    "╰────────────────────────────────────────╯\n"
)
CODE = (
    " Browser didn't open? Use the url below to sign in\n\n https://example.org/code\n\n Paste code here if prompted > "
)
QUESTION = (
    "  ┃  Which one?\n  ┃\n  ┃  1. The first\n  ┃     with a remark\n  ┃  2. The second\n  ┃\n"
    "  ┃  ↑↓ select  enter submit  esc dismiss"
)


@pytest.mark.parametrize("relay", ["", "ssh"])
@pytest.mark.parametrize(
    ("program", "text", "kind", "alternate"),
    [
        ("codex", KEY_BOX, AskKind.LOGIN, True),
        ("gemini", GEMINI_KEY, AskKind.LOGIN, False),
        ("claude", CODE, AskKind.LOGIN, False),
        ("opencode", QUESTION, AskKind.CHOICE, True),
    ],
)
def test_a_question_without_marked_options_is_asked(
    program: str, text: str, kind: AskKind, alternate: bool, relay: str
) -> None:
    engine = StillEngine(text, modes=Modes(alternate_screen=alternate))
    session = shown(engine, UNREADABLE if relay else seen(program))
    assert session.ask.kind is kind


@pytest.mark.parametrize("relay", ["", "ssh"])
def test_a_permission_whose_subject_reads_like_the_composer_is_asked(relay: str) -> None:
    engine = create_engine(columns=110, rows=40)
    engine.feed((RECORDINGS / "opencode-approval.raw").read_bytes())
    view = read_screen(engine)
    lines = [line.replace("← Access external directory /etc", "Build everything") for line in view.lines]
    still = StillEngine("\n".join(lines), 110, 40, (view.row, 2), engine.modes, view.title)
    session = shown(still, UNREADABLE if relay else seen("opencode"))
    assert [option.label for option in session.ask.options] == ["Allow once", "Allow always", "Reject"]


def test_a_rule_about_a_program_that_is_seen_needs_its_words_alone() -> None:
    entry = {
        "name": "mine",
        "rule": [{"id": "r", "state": "asking", "kind": "confirm", "match": "Waiting for approval"}],
    }
    known = build_rule_book([{"program": [entry]}]).programs
    reading = read_prompt(view_of("Waiting for approval\nof 3 changes"), known, frozenset(), False, False)
    assert reading.prompt.kind is AskKind.CONFIRM


def test_a_field_above_a_hidden_cursor_is_asked() -> None:
    session = shown(StillEngine(CODE.rstrip() + "\n"), seen("claude"))
    assert session.ask.kind is AskKind.LOGIN


@pytest.mark.parametrize(
    ("text", "cursor", "alternate", "kind"),
    [
        ("hello\n~\n~\n~\n~\n~\n~", (0, 0), True, AskKind.EDITOR),
        ("hello\n\n\n^G Help      ^O Write Out\n^X Exit      ^R Read File", (0, 0), True, AskKind.EDITOR),
        ("  pear\n> apple\n  2/2\n> ", (3, 2), False, AskKind.CHOICE),
        ("> \n  2/2\n> apple\n  pear", (0, 2), False, AskKind.CHOICE),
    ],
    ids=["vim", "nano", "fzf", "fzf upside down"],
)
def test_a_screen_that_names_its_program_is_known_behind_a_relay(
    text: str, cursor: tuple[int, int], alternate: bool, kind: AskKind
) -> None:
    session = shown(StillEngine(text, cursor=cursor, modes=Modes(alternate_screen=alternate)), UNREADABLE)
    assert session.ask.kind is kind
