"""A stand-in for the model, and one coding agent after the other started as a session of a node."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.agents.programs import STAND_IN, CodingAgent
from tests.agents.stand_in import StandIn, open_stand_in
from tests.home import Home


class Launch(Protocol):
    """Starts an agent in an empty project, in a home of its own unless told, and gives the session's key."""

    def __call__(self, agent: CodingAgent, own_home: Path | None = None) -> str: ...


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    if not STAND_IN.exists():
        pytest.skip("no stand-in for a model's API beside the repository")
    with open_stand_in() as opened:
        yield opened


@pytest.fixture
def launch(home: Home, stand_in: StandIn, tmp_path: Path) -> Iterator[Launch]:
    keys: list[str] = []

    def start(agent: CodingAgent, own_home: Path | None = None) -> str:
        if agent.path is None:
            pytest.skip(f"not installed: {agent.name} (RELAYTUI_AGENTS names a directory with it)")
        own = own_home or home.directory / tmp_path.name  # what it leaves behind ends with that directory
        (own / "project").mkdir(parents=True, exist_ok=True)
        variables = {"HOME": str(own), **agent.prepare(own, stand_in.url)}
        words = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        options = ["--cwd", str(own / "project"), "--size", "110x40", *words]
        keys.append(home.start(agent.path, *agent.arguments, options=options))
        return keys[-1]

    yield start
    with contextlib.suppress(AssertionError):  # it may have ended by itself
        for key in keys:
            home.ok("kill", key)
