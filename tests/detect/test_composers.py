"""What is typed into a coding agent's composer is no question, whatever it says."""

from __future__ import annotations

import pytest

from node_agent.detect import KernelEvidence, Program, Wait
from node_agent.protocol.states import Attention
from tests.detect.playbook import RAW, Session
from tests.detect.still import StillEngine

TYPED = ["Say: Do you want to proceed? [y/N]", "Continue? (yes/no) ", "Password: ", "fix the login:"]
RULE = "─" * 90


def composers(typed: str) -> dict[str, str]:
    return {
        "codex": f"• Ran ls\n\n› {typed}",
        "claude": f"● Done.\n\n{RULE}\n❯ {typed}",
    }


@pytest.mark.parametrize("program", ["codex", "claude"])
@pytest.mark.parametrize("typed", TYPED)
def test_typed_text_is_rest(program: str, typed: str) -> None:
    text = composers(typed)[program]
    below = f"\n{RULE}\n  ? for shortcuts" if program == "claude" else "\n\n  mock-1 default · ~/proj"
    rows = text.split("\n")
    session = Session("", KernelEvidence(Wait.EVENT_LOOP, None, (Program(9, program),)), RAW)
    session.engine = StillEngine(text + below, cursor=(len(rows) - 1, len(rows[-1])))
    session.run(5)
    assert session.attention is Attention.IDLE
    assert session.opened == []
