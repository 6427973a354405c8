"""The keeper, losing races on purpose between its check and its write: see races.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from node_agent.keeper.__main__ import main  # noqa: E402 - the path stands above
from node_agent.keeper.session import Session  # noqa: E402 - after the path is set
from tests.answers.races import is_due, strike  # noqa: E402 - after the path is set

_admit = Session._admit


def _admit_and_wait(self: Session, block: Any) -> Any:
    refusal = _admit(self, block)
    if refusal is None and block.cause.startswith("answer") and is_due(self.id, "write"):
        strike(self.id)
    return refusal


Session._admit = _admit_and_wait  # type: ignore[method-assign]  # the fault that is injected

if __name__ == "__main__":
    sys.exit(main())
