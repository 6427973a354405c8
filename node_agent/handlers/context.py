"""What a handler may reach."""

from __future__ import annotations

from typing import NamedTuple

from node_agent.io.adoption import Adoption
from node_agent.io.agent import Agent
from node_agent.io.keyboard import Keyboard
from node_agent.io.outside import OutsideAsks


class Context(NamedTuple):
    """The parts of the agent that handlers use."""

    agent: Agent
    adoption: Adoption
    keyboard: Keyboard
    outside: OutsideAsks
