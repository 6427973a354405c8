"""An agent that follows a script, and an sshd before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.link.scripted import ScriptedAgent, scripted_agent, write_agent_command
from tests.sshd import Sshd, open_sshd


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[ScriptedAgent]:
    async with scripted_agent(tmp_path) as running:
        yield running


@pytest.fixture
def command(agent: ScriptedAgent, tmp_path: Path) -> str:
    """The agent's command as a config names it."""
    return str(write_agent_command(tmp_path / "bin" / "node-agent", agent.socket))


@pytest.fixture
async def sshd(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with open_sshd(tmp_path / "sshd") as server:
        yield server
