"""What a handler may reach."""

from __future__ import annotations

from typing import NamedTuple

from node_agent.io.adoption import Adoption
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts
from node_agent.io.answering import Answering
from node_agent.io.deploys import Deploys
from node_agent.io.jobs import Jobs
from node_agent.io.keyboard import Keyboard
from node_agent.io.open_asks import OpenAsks
from node_agent.io.outside import OutsideAsks
from node_agent.io.restarts import Restarts
from node_agent.io.settings import Settings


class Context(NamedTuple):
    """The parts of the agent that handlers use."""

    agent: Agent
    adoption: Adoption
    keyboard: Keyboard
    outside: OutsideAsks
    settings: Settings
    alerts: Alerts
    asks: OpenAsks
    answering: Answering
    jobs: Jobs
    deploys: Deploys
    restarts: Restarts
