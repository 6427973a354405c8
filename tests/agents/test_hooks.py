"""Hooks as the real programs run them: installed, fired at each state of a turn, and taken out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents import programs
from tests.agents.conftest import Launch
from tests.agents.programs import CodingAgent
from tests.agents.stand_in import StandIn
from tests.agents.test_states import PATIENCE, answer, submit, wait_asking
from tests.home import Home

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

BEGINNING = {"claude": ["Yes, I trust this folder"], "codex": ["Trust all and continue"], "opencode": []}
"""Labels of the answers each wants before it takes a prompt; Codex asks whether the hooks themselves may run."""

ABOUT = {"claude": "touch", "codex": "touch", "opencode": "/etc"}
"""A word of what each says it wants to do."""

FIRST_SCREEN = 180.0
"""Seconds: OpenCode with a plugin looks for packages on the network before it draws anything."""

REFUSE = {"claude": "No", "codex": "No, and tell Codex what to do differently", "opencode": "Reject"}


def wait_reported(home: Home, key: str, state: str) -> str:
    """What the program's hook said, once it says that it is in this state."""
    said: list[str] = []

    def is_said(_: object) -> bool:
        evidence = home.json("explain", key)["evidence"]
        said[:] = [fact["text"] for fact in evidence if fact["source"] == "report"]
        return any(f": {state}" in text for text in said)

    home.wait_for(key, is_said, PATIENCE)
    return said[0]


@pytest.mark.parametrize("agent", [programs.CLAUDE, programs.CODEX, programs.OPENCODE], ids=lambda agent: agent.name)
def test_each_state_of_a_turn_is_reported(home: Home, stand_in: StandIn, launch: Launch, agent: CodingAgent) -> None:
    home.ok("hooks", "install", agent.name, "--yes")
    path = Path(home.json("hooks", "show", agent.name)["path"])
    key = launch(agent, Path(home.env["HOME"]))
    for label in BEGINNING[agent.name]:
        answer(home, key, wait_asking(home, key), label)
    home.wait_for(key, lambda item: item["attention"] == "idle", FIRST_SCREEN)
    with stand_in.held():
        submit(home, key, "MOCKTOOL please")
        wait_reported(home, key, "working")
    assert ABOUT[agent.name] in wait_reported(home, key, "asking")
    assert home.session(key)["attention"] == "asking"
    answer(home, key, wait_asking(home, key), REFUSE[agent.name])
    home.wait_for(key, lambda item: item["attention"] == "idle" and item["ask"] is None, PATIENCE)
    home.ok("kill", key)
    home.ok("hooks", "remove", agent.name, "--yes")
    assert not path.exists() or "relaytui" not in path.read_text(encoding="utf-8")
