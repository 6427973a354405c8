"""The node agent, losing races on purpose: see races.py."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from node_agent.__main__ import main
from node_agent.io import keeper_launch
from node_agent.io.keyboard import Keyboard
from node_agent.keeper.control import Cause

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.answers.races import LIMIT, is_due, strike  # noqa: E402 - the path to the tests stands above

_write = Keyboard.write


async def _write_too_late(self: Keyboard, session: Any, request: str, word: str, *rest: Any, **named: Any) -> Any:
    if word == Cause.ANSWER.value and is_due(session.model.id, "look"):
        strike(session.model.id)
    if word == Cause.ANSWER.value and is_due(session.model.id, "stall"):
        time.sleep(LIMIT)  # noqa: ASYNC251 - the whole agent stands still until it is killed
    return await _write(self, session, request, word, *rest, **named)


def _racing_keeper() -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("racing_keeper.py"))]


Keyboard.write = _write_too_late  # type: ignore[method-assign]  # the fault that is injected
keeper_launch.keeper_command = _racing_keeper

if __name__ == "__main__":
    sys.exit(main())
