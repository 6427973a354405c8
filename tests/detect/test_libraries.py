"""Prompt libraries, recorded at an open prompt: 80 columns by 24 rows, @clack/prompts 1.9, @inquirer/prompts 8.7."""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.detect import KernelEvidence, Program, Wait
from node_agent.protocol.states import AskKind, Attention
from tests.detect.playbook import RAW, Session
from tests.detect.still import StillEngine
from tests.detect.test_recordings import Replay

RECORDINGS = Path(__file__).parent / "recordings" / "libraries"

Case = tuple[str, AskKind, str, list[str], list[str]]

DRAWN: list[Case] = [
    ("clack-text", AskKind.TEXT, "Where should we create your project?", [], []),
    ("clack-password", AskKind.PASSWORD, "Provide a password", [], []),
    ("clack-confirm", AskKind.CONFIRM, "Install dependencies?", ["Yes", "No"], ["Yes"]),
    ("clack-select", AskKind.CHOICE, "Pick a project type.", ["TypeScript", "JavaScript", "CoffeeScript"],
     ["TypeScript"]),
    ("clack-multiselect", AskKind.CHOICE, "Select additional tools.",
     ["Prettier (recommended)", "ESLint", "Stylelint"], []),
    ("inquirer-confirm", AskKind.CONFIRM, "Continue with the deploy? (y/N)", ["Yes", "No"], []),
    ("inquirer-checkbox", AskKind.CHOICE, "Select toppings", ["Ham", "Cheese", "Olives"], ["Ham", "Cheese"]),
]  # fmt: skip  # one question an entry
LINES: list[Case] = [
    ("inquirer-input", AskKind.TEXT, "Enter your name", [], []),
    ("inquirer-password", AskKind.PASSWORD, "Enter the vault password", [], []),
    ("inquirer-rawlist", AskKind.CHOICE, "Select a target", ["staging", "production"], []),
    ("inquirer-expand", AskKind.CHOICE, "Conflict on file.js", ["y", "a", "x", "h"], []),
]
"""They end in a word: no prompt where nobody can tell who reads the terminal."""


def evidence(program: str) -> KernelEvidence:
    return KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, program, "" if program == "ssh" else "setup.mjs"),))


@pytest.mark.parametrize(
    ("program", "case"),
    [(program, case) for program in ("node", "ssh") for case in DRAWN] + [("node", case) for case in LINES],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_open_prompt(program: str, case: Case) -> None:
    name, kind, question, labels, selected = case
    ask = Replay(RECORDINGS / f"{name}.raw", "", evidence(program)).detector.ask
    assert ask is not None
    assert (ask.kind, ask.question) == (kind, question)
    assert [option.label for option in ask.options] == labels
    assert [option.label for option in ask.options if option.selected] == selected


ANSWERED = "┌  create-app\n│\n◇  Install dependencies?\n│  Yes\n│\n◇  Installed via npm\n│"


def test_a_prompt_of_clack_that_was_answered_is_none() -> None:
    session = Session(ANSWERED, evidence("node"), RAW)
    session.run(5)
    assert session.attention is Attention.WORKING


def test_a_prompt_of_clack_found_wanting_still_asks() -> None:
    session = Session("▲  Where to?\n│  /etc\n└  Directory is not empty", evidence("node"), RAW)
    session.engine = StillEngine("▲  Where to?\n│  /etc\n└  Directory is not empty", cursor=(1, 3))
    session.run(5)
    assert session.ask.kind is AskKind.TEXT
    assert session.ask.question == "Where to?"
