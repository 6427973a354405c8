"""Keeps every session's detector on the rules as they stand in the files now."""

from __future__ import annotations

import asyncio
import logging

from node_agent.io.agent import Agent
from node_agent.io.rule_files import RuleFiles

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between looks at the names and times of the user's files, of which there are a handful."""


async def follow_rules(agent: Agent, files: RuleFiles) -> None:
    """Hand changed rules to the detectors of all sessions, until cancelled."""
    _say_problems(files)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if not files.reload():
            continue
        log.info("the rules have changed")
        _say_problems(files)
        for session in agent.sessions.values():
            if session.detection is not None:
                session.detection.on_rules(files.book)


def _say_problems(files: RuleFiles) -> None:
    for problem in files.problems:
        log.warning("a rule file is left out: %s", problem)
