"""The node agent, always late: a session's screen shows what was printed only a while after it was."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from node_agent.__main__ import main
from node_agent.io.follower import Follower

LATE = 0.4

_ready = Follower.ready


def _ready_later(self: Follower, session: Any) -> None:
    asyncio.get_running_loop().call_later(LATE, _ready, self, session)


Follower.ready = _ready_later  # type: ignore[method-assign]  # the fault that is injected

if __name__ == "__main__":
    sys.exit(main())
