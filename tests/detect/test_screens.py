"""Screens of real coding agents before and between their work, and that no rule is left which nothing has tried.

The recordings are raw bytes, 110 columns by 40 rows, made in an empty home without an account; where a model is asked,
a stand-in on loopback answered. `test_recordings.py` has those that rules were made from.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.detect.rules import ProgramRules, Rule, Where
from node_agent.detect.view import ScreenView, read_screen
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import EventKind
from node_agent.terminal.engines import create_engine
from tests.detect.playbook import RULES
from tests.detect.still import view_of
from tests.detect.test_recordings import BEHIND, CHUNK, OWN, Replay

SCREENS = OWN / "screens"
OF_PROGRAMS = Path(__file__).parents[1] / "terminal" / "recordings"

ASKS = [
    ("claude-api-key", AskKind.LOGIN, "Do you want to use this API key?", ["Yes", "No (recommended)"]),
    (
        "claude-login",
        AskKind.LOGIN,
        "Select login method:",
        [
            "Claude account with subscription · Pro, Max, Team, or Enterprise",
            "Anthropic Console account · API usage billing",
            "3rd-party platform · Amazon Bedrock, Microsoft Foundry, or Vertex AI",
        ],
    ),
    ("codex-api-key", AskKind.LOGIN, "Paste or type your API key below.", []),
    (
        "codex-login",
        AskKind.LOGIN,
        "Choose how you want to use Codex.",
        ["Sign in with ChatGPT", "Sign in with Device Code", "Sign in another way"],
    ),
    (
        "codex-notice",
        AskKind.CONFIRM,
        "Would you like to run the following command?",
        [
            "Yes, proceed",
            "Yes, and don't ask again for commands that start with `touch /etc/hello_agent`",
            "No, and tell Codex what to do differently",
        ],
    ),
    (
        "copilot-login",
        AskKind.LOGIN,
        "What account do you want to log into?",
        ["GitHub.com", "GitHub Enterprise Cloud (*.ghe.com)"],
    ),
    ("gemini-api-key", AskKind.LOGIN, "Enter Gemini API Key", []),
    (
        "gemini-approval",
        AskKind.CONFIRM,
        "Allow execution of [Shell]?",
        ["Allow once", "Allow for this session", "No, suggest changes"],
    ),
    ("opencode-always", AskKind.CONFIRM, "Always allow", ["Confirm", "Cancel"]),
    (
        "qwen-approval",
        AskKind.CONFIRM,
        "Allow execution of: 'touch'?",
        [
            "Yes, allow once",
            "Always allow run 'touch *' commands in this project",
            "Always allow run 'touch *' commands for this user",
            "No, suggest changes",
        ],
    ),
]
AT_REST = ["gemini-idle", "qwen-idle"]

TYPED = {
    "apt: continue": "After this operation, 12 kB will be used.\nDo you want to continue? [Y/n] ",
    "apt: conffile": "*** sshd_config (Y/I/N/O/D/Z) [default=N] ? ",
    "cargo: installer": "1) Proceed with standard installation (default - just press enter)\n>",
    "claude-code: needs permission": "\nClaude needs your permission to use Bash",
    "fzf screen: counter over the line": "  2\n> 1\n  5/5 ─────────────────\n>",
    "git: credentials": "Username for 'https://example.org': ",
    "git: hunk": "(1/1) Stage this hunk [y,n,q,a,d,e,?]? ",
    "npm: is this ok": "Is this OK? (yes) ",
    "npm: proceed": "Need to install the following packages:\ncowsay@1.6.0\nOk to proceed? (y) ",
    "pip: proceed": "Found existing installation: six 1.16.0\nProceed (Y/n)? ",
    "relay: host key": "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    "ssh-keys: overwrite": "/home/operator/.ssh/id_ed25519 already exists.\nOverwrite (y/n)? ",
    "sudo: password": "[sudo] password for operator: ",
}
"""What programs print that draw no screen, or a few lines of one; the notification, where the rule looks at that."""

NOT_TRIED = {
    "codex: trust": "0.171 goes to its composer at once in a directory that no version control knows",
    "copilot: approval": "Copilot asks a model only when it is logged in",
    "copilot: composer": "its hints come with the login",
    "opencode: question": "only a model brings it up, by a tool that the stand-in does not know",
}
"""Rules that nothing here has matched, and why. Whoever records one takes it off."""


@pytest.mark.parametrize("relay", BEHIND)
@pytest.mark.parametrize(("name", "kind", "question", "labels"), ASKS, ids=[case[0] for case in ASKS])
def test_a_screen_that_asks(name: str, kind: AskKind, question: str, labels: list[str], relay: str) -> None:
    detector = Replay(SCREENS / f"{name}.raw", relay or name.partition("-")[0]).detector
    assert detector.verdict.attention is Attention.ASKING
    if relay:
        return
    assert detector.ask is not None
    assert (detector.ask.kind, detector.ask.question) == (kind, question)
    assert [option.label for option in detector.ask.options] == labels


@pytest.mark.parametrize("relay", BEHIND)
@pytest.mark.parametrize("name", AT_REST)
def test_a_screen_at_rest(name: str, relay: str) -> None:
    detector = Replay(SCREENS / f"{name}.raw", relay or name.partition("-")[0]).detector
    assert detector.verdict.attention is Attention.IDLE
    assert detector.ask is None


def test_every_recording_of_a_screen_is_looked_at() -> None:
    assert {path.stem for path in SCREENS.glob("*.raw")} == {*(case[0] for case in ASKS), *AT_REST}


def test_every_rule_of_waiting_has_been_tried_on_what_its_program_shows() -> None:
    tried: set[str] = set()
    for program in RULES.programs:
        rules = [rule for rule in program.rules if rule.state in (Attention.ASKING, Attention.IDLE)]
        tried.update(rule.name for rule in rules if rule.name in TYPED and _matches_text(rule, TYPED[rule.name]))
        for path in _recordings_of(program):
            tried |= _matched(path, [rule for rule in rules if rule.name not in tried])
    known = {
        rule.name
        for program in RULES.programs
        for rule in program.rules
        if rule.state in (Attention.ASKING, Attention.IDLE)
    }
    assert known - tried == set(NOT_TRIED)


def _recordings_of(program: ProgramRules) -> list[Path]:
    """Those its rules name, and those that are called after it or its screen."""
    word = program.name.split("-")[0].split()[0]
    own = [OWN / name for name in program.recordings]
    return [*own, *sorted(SCREENS.glob(f"{word}-*.raw")), *sorted(OF_PROGRAMS.glob(f"{word}*.raw"))]


def _matches_text(rule: Rule, text: str) -> bool:
    return rule.matches(view_of("" if rule.where is Where.NOTIFICATION else text), text)


def _matched(path: Path, rules: list[Rule]) -> set[str]:
    """The rules that match at some moment of the recording."""
    columns, rows = (80, 24) if path.parent == OF_PROGRAMS else (110, 40)
    engine = create_engine(columns=columns, rows=rows)
    data, notification = path.read_bytes(), ""
    found: set[str] = set()
    for start in range(0, len(data), CHUNK):
        engine.feed(data[start : start + CHUNK])
        for event in engine.drain_events():
            notification = event.text if event.kind is EventKind.NOTIFICATION else notification
        view: ScreenView = read_screen(engine)
        found |= {rule.name for rule in rules if rule.matches(view, notification)}
    return found
