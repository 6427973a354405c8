"""A screen that is behind what was printed: the kernel tells of the next question, the screen still shows the last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node_agent.protocol.asks import Outcome
from node_agent.protocol.states import EventKind
from tests.answers.steps import answer, asking
from tests.harness import Node, running_node

QUESTIONS = """
for n in 1 2 3; do
  read -rp "Remove file $n? [y/n] " answer
  sleep 0.45
done
"""
"""Each next question is printed when the answer's echo has just come to the screen."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path, agent_args=(str(Path(__file__).with_name("late_agent.py")),)) as node:
        yield node


async def test_a_question_that_was_answered_is_not_asked_again(node: Node) -> None:
    client = await node.connect()
    await client.subscribe(after=client.last_event)
    session = await client.start("bash", "-c", QUESTIONS)
    for number in (1, 2, 3):
        ask = await asking(client, session.id, f"file {number}?")
        assert (await answer(client, ask, yes=True)).outcome is Outcome.ACCEPTED
    await client.ended(session.id)
    opened = [event.data["ask"]["excerpt"] for event in client.events if event.kind is EventKind.ASK_OPENED]
    assert opened == [f"Remove file {number}? [y/n]" for number in (1, 2, 3)]
