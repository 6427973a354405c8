"""Recordings of real coding agents, each ending where it says: approval, trust, login and rest told apart.

They are raw terminal bytes, 110 columns by 40 rows. A wider set beside the repository is read where it is present.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.detect import Detector, KernelEvidence, Program, Wait
from node_agent.protocol.states import AskKind, Attention
from node_agent.terminal.engine import Engine
from node_agent.terminal.engines import create_engine
from tests.detect.playbook import RAW, RULES

OWN = Path(__file__).parent / "recordings"
WIDER = Path(__file__).parents[3] / "shared" / "recordings"
CHUNK = 512

APPROVALS = [
    (
        OWN / "claude-approval.raw",
        "claude",
        "Do you want to proceed?",
        ["Yes", "Yes, and don't ask again for similar commands in /home/operator/web/proj", "No"],
        "touch hello_from_agent && curl -s http://127.0.0.1:1/",
    ),
    (
        WIDER / "claude.raw",
        "claude",
        "Do you want to proceed?",
        ["Yes", "Yes, and don't ask again for similar commands in /srv/project/hc1/proj", "No"],
        "touch /srv/project/hello_from_agent && curl -s http://127.0.0.1:1/",
    ),
    (
        WIDER / "codex.raw",
        "codex",
        "Would you like to run the following command?",
        [
            "Yes, proceed",
            "Yes, and don't ask again for commands that start with `touch /etc/hello_agent`",
            "No, and tell Codex what to do differently",
        ],
        "touch /etc/hello_agent",
    ),
    (
        WIDER / "opencode.raw",
        "opencode",
        "Permission required",
        ["Allow once", "Allow always", "Reject"],
        "← Access external directory /etc",
    ),
    (
        OWN / "opencode-approval.raw",
        "opencode",
        "Permission required",
        ["Allow once", "Allow always", "Reject"],
        "← Access external directory /etc",
    ),
    (
        OWN / "claude-trust.raw",
        "claude",
        "Is this a project you created or one you trust?",
        ["Yes, I trust this folder", "No, exit"],
        "",
    ),
    (
        OWN / "claude-approval-auto.raw",
        "claude",
        "Do you want to proceed?",
        [
            "Yes",
            "Yes, and don't ask again for touch hello_from_agent and curl -s http://127.0.0.1:1/ commands in",
            "Yes, and switch to auto mode · auto mode handles these prompts for you",
            "No",
        ],
        "touch hello_from_agent && curl -s http://127.0.0.1:1/",
    ),
    (
        OWN / "claude-trust-no.raw",
        "claude",
        "Is this a project you created or one you trust?",
        ["No, exit", "Yes, I trust this folder"],
        "",
    ),
    (
        OWN / "codex-approval.raw",
        "codex",
        "Would you like to run the following command?",
        [
            "Yes, proceed",
            "Yes, and don't ask again for commands that start with `touch /etc/hello_agent`",
            "No, and tell Codex what to do differently",
        ],
        "touch /etc/hello_agent",
    ),
    (
        OWN / "gemini-trust.raw",
        "gemini",
        "Do you trust the files in this folder?",
        ["Trust folder (proj)", "Trust parent folder (h3)", "Don't trust"],
        "",
    ),
    (
        OWN / "copilot-trust.raw",
        "copilot",
        "Do you trust the files in this folder?",
        ["Yes", "Yes, and remember this folder for future sessions", "No"],
        "",
    ),
]
BEHIND = ["", "ssh"]
"""What the kernel sees: the agent itself, or a relay behind which nothing is known."""


class Replay:
    """A recording fed to a detector that sees `program` in an event loop."""

    def __init__(self, path: Path, program: str, kernel: KernelEvidence | None = None) -> None:
        if not path.exists():
            pytest.skip(f"no recording {path.name} beside the repository")
        self.at = 0.0
        self.engine: Engine = create_engine(columns=110, rows=40)
        self.kernel = kernel or KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, program),))
        self.detector = Detector(RULES, self.at)
        data = path.read_bytes()
        for start in range(0, len(data), CHUNK):
            self.engine.feed(data[start : start + CHUNK])
            for event in self.engine.drain_events():
                self.detector.on_event(self.at, event)
            self.detector.on_output(self.at)
            self.run(0.02)
        self.run(4.0)

    def run(self, seconds: float) -> None:
        end = self.at + seconds
        while (wake := self.detector.wake_at) is not None and wake <= end:
            self.at = max(self.at, wake)
            if self.detector.tick(self.at, self.engine).probe:
                self.detector.on_probe(self.at, self.kernel, RAW)
                self.detector.tick(self.at, self.engine)
        self.at = end


@pytest.mark.parametrize("relay", BEHIND)
@pytest.mark.parametrize(
    ("path", "program", "question", "labels", "command"), APPROVALS, ids=[case[0].stem for case in APPROVALS]
)
def test_dialog(path: Path, program: str, question: str, labels: list[str], command: str, relay: str) -> None:
    ask = Replay(path, relay or program).detector.ask
    assert ask is not None
    assert ask.kind is AskKind.CONFIRM
    assert question in ask.question
    assert [option.label for option in ask.options] == labels
    assert [option.selected for option in ask.options] == [True] + [False] * (len(labels) - 1)
    assert ask.command == command


@pytest.mark.parametrize("relay", BEHIND)
def test_login_screen(relay: str) -> None:
    ask = Replay(OWN / "qwen-login.raw", relay or "qwen").detector.ask
    assert ask is not None
    assert ask.kind is AskKind.LOGIN
    labels = [option.label for option in ask.options]
    assert labels == ["Alibaba ModelStudio", "Third-party Providers", "OAuth", "Custom Provider"]
    assert [option.selected for option in ask.options] == [True, False, False, False]


@pytest.mark.parametrize("relay", BEHIND)
def test_a_notice_that_waits_for_enter(relay: str) -> None:
    ask = Replay(OWN / "claude-notice.raw", relay or "claude").detector.ask
    assert ask is not None
    assert ask.kind is AskKind.KEY
    assert ask.question.startswith("We're changing auto mode")


@pytest.mark.parametrize("relay", BEHIND)
@pytest.mark.parametrize("name", ["claude", "codex", "opencode"])
def test_at_work(name: str, relay: str) -> None:
    replay = Replay(OWN / f"{name}-working.raw", relay or name)
    assert replay.detector.verdict.attention is Attention.WORKING
    assert replay.detector.ask is None


@pytest.mark.parametrize("relay", BEHIND)
def test_a_question_on_a_line(relay: str) -> None:
    ask = Replay(OWN / "aider-question.raw", relay or "aider").detector.ask
    assert ask is not None
    assert ask.question.startswith("Open documentation url for more info?")
    assert [option.label for option in ask.options] == ["Yes", "No", "Don't ask again"]
    assert [option.default for option in ask.options] == [True, False, False]


@pytest.mark.parametrize("relay", BEHIND)
@pytest.mark.parametrize("name", ["aider", "claude", "codex", "opencode"])
def test_composer_at_rest(name: str, relay: str) -> None:
    replay = Replay(OWN / f"{name}-idle.raw", relay or name)
    assert replay.detector.verdict.attention is Attention.IDLE
    assert replay.detector.ask is None


OPEN_LINE = "aider-question"
"""Ends in a question on a line, in raw mode: some programs read those by polling, so it counts though nobody reads."""


@pytest.mark.parametrize(
    "path", sorted(path for path in OWN.glob("*.raw") if path.stem != OPEN_LINE), ids=lambda path: path.stem
)
def test_nobody_reading_makes_any_of_them_work(path: Path) -> None:
    replay = Replay(path, "", KernelEvidence(Wait.NOBODY, None, (Program(9, "cat"),)))
    assert replay.detector.verdict.attention is Attention.WORKING


def test_every_rule_file_names_recordings_that_exist() -> None:
    named = {name for program in RULES.programs for name in program.recordings}
    assert named == {path.name for path in OWN.glob("*.raw")}
