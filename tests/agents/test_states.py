"""Real coding agents in sessions: what they ask, at work and at rest, and answers given by label."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import pytest

from tests.agents import programs
from tests.agents.conftest import Launch
from tests.agents.programs import CodingAgent
from tests.agents.stand_in import StandIn
from tests.home import Home

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]

PATIENCE = 90.0
"""Seconds: some of them take half a minute to draw their first screen."""

UNCONFIRMED = 16
"""How `answer` ends when a program takes its time, as they all do where many are started at once."""

QUOTED = "Say: Do you want to proceed? 1. Yes 2. No [y/N]"


@dataclass(frozen=True)
class Turn:
    """One agent's approval of a command. `refuse` is the label that says no, `trust` what lets it begin.

    `quoted` has words of its own dialogs that anybody might write.
    """

    agent: CodingAgent
    question: str
    labels: tuple[str, ...]
    refuse: str
    quoted: str
    trust: str = ""


TURNS = [
    Turn(
        programs.CLAUDE,
        "Do you want to proceed?",
        ("Yes", "Yes, and don't ask again for .*", "No"),
        "No",
        "run a quick safety check please",
        "Yes, I trust this folder",
    ),
    Turn(
        programs.CODEX,
        "Would you like to run the following command?",
        ("Yes, proceed", "Yes, and don't ask again for .*", "No, and tell Codex what to do differently"),
        "No, and tell Codex what to do differently",
        "let users sign in with ChatGPT",
    ),
    Turn(
        programs.OPENCODE,
        "Permission required",
        ("Allow once", "Allow always", "Reject"),
        "Reject",
        "Always allow empty arrays",
    ),
]


def wait_asking(home: Home, key: str) -> dict:  # type: ignore[type-arg]  # JSON
    item = home.wait_for(key, lambda item: item["attention"] == "asking" and item["ask"], PATIENCE)
    return dict(item["ask"])


def wait_resting(home: Home, key: str) -> None:
    item = home.wait_for(key, lambda item: item["attention"] == "idle", PATIENCE)
    assert item["ask"] is None


def answer(home: Home, key: str, ask: dict, label: str) -> None:  # type: ignore[type-arg]  # JSON
    """Answer by label, and see that this ask is over."""
    done = home.run("answer", key, "--label", label, "--expect", ask["id"])
    assert done.returncode in (0, UNCONFIRMED), done.stderr
    home.wait_for(key, lambda item: (item["ask"] or {}).get("id") != ask["id"], PATIENCE)


def labels(ask: dict) -> list[str]:  # type: ignore[type-arg]  # JSON
    return [option["label"] for option in ask["options"]]


def submit(home: Home, key: str, text: str) -> None:
    """Type it and then hand it in: text with Enter in one go may be taken for a paste."""
    home.ok("send", key, f"text:{text}")
    home.wait_printed(key, text, PATIENCE)
    home.ok("send", key, "key:enter")


def stays_at_work(home: Home, key: str, seconds: float = 4.0) -> None:
    """It is at work for a while, from the moment it shows that it is."""
    home.wait_printed(key, "interrupt", PATIENCE)
    home.wait_for(key, lambda item: item["attention"] == "working", PATIENCE)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        item = home.session(key)
        assert (item["attention"], item["ask"]) == ("working", None)


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.agent.name)
def test_a_turn_from_rest_over_work_and_an_approval_to_rest(
    home: Home, stand_in: StandIn, launch: Launch, turn: Turn
) -> None:
    key = launch(turn.agent)
    if turn.trust:
        answer(home, key, wait_asking(home, key), turn.trust)
    wait_resting(home, key)
    with stand_in.held():
        submit(home, key, "MOCKTOOL please")
        stays_at_work(home, key)
    ask = wait_asking(home, key)
    assert ask["kind"] == "confirm"
    assert turn.question in ask["excerpt"]
    shown = labels(ask)  # newer versions have more ways of yes
    assert [shown[0], shown[-1]] == [turn.labels[0], turn.labels[-1]]
    assert all(any(re.fullmatch(wanted, label) for label in shown) for wanted in turn.labels)
    answer(home, key, ask, turn.refuse)
    wait_resting(home, key)


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.agent.name)
@pytest.mark.parametrize("own", [False, True])
def test_a_question_that_is_only_quoted_is_none(
    home: Home, stand_in: StandIn, launch: Launch, turn: Turn, own: bool
) -> None:
    key = launch(turn.agent)
    if turn.trust:
        answer(home, key, wait_asking(home, key), turn.trust)
    wait_resting(home, key)
    with stand_in.held():
        submit(home, key, turn.quoted if own else QUOTED)
        stays_at_work(home, key)
    wait_resting(home, key)


FIRST = [
    (programs.CLAUDE, "confirm", ["Yes, I trust this folder", "No, exit"], "Yes, I trust this folder"),
    (
        programs.GEMINI,
        "confirm",
        [r"Trust folder \(project\)", r"Trust parent folder \(.*\)", "Don't trust"],
        "Trust folder (project)",
    ),
    (programs.COPILOT, "confirm", ["Yes", "Yes, and remember this folder for future sessions", "No"], "Yes"),
    (programs.QWEN, "login", ["Alibaba ModelStudio", "Third-party Providers", "OAuth", "Custom Provider"], ""),
]


@pytest.mark.parametrize(("agent", "kind", "wanted", "choose"), FIRST, ids=[case[0].name for case in FIRST])
def test_the_first_question(
    home: Home, launch: Launch, agent: CodingAgent, kind: str, wanted: list[str], choose: str
) -> None:
    key = launch(agent)
    ask = wait_asking(home, key)
    assert ask["kind"] == kind
    # Newer versions begin with the safe answer: the order is theirs.
    for label, text in zip(sorted(labels(ask)), sorted(wanted), strict=True):
        assert re.fullmatch(text, label)
    if choose:
        answer(home, key, ask, choose)
