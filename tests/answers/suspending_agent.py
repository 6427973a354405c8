"""The node agent, whose automatic answers are suspended as soon as the first key of one was typed."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from node_agent.__main__ import main
from node_agent.io.keyboard import Keyboard
from node_agent.io.settings import Settings
from node_agent.keeper.control import Cause
from node_agent.protocol.settings import NodeSettings

_write = Keyboard.write
_typed: list[str] = []


async def _write_and_suspend(self: Keyboard, session: Any, request: str, word: str, *rest: Any, **named: Any) -> Any:
    reply = await _write(self, session, request, word, *rest, **named)
    if word == Cause.ANSWER.value:
        _typed.append(request)
    return reply


def _current(self: Settings) -> NodeSettings:
    return dataclasses.replace(self._current, policy_suspended=bool(_typed))


Keyboard.write = _write_and_suspend  # type: ignore[method-assign]  # the moment that is forced
Settings.current = property(_current)  # type: ignore[method-assign,assignment]  # the same

if __name__ == "__main__":
    sys.exit(main())
