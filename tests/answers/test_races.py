"""Answers whose prompt changes at the worst moment: nothing is typed into a prompt other than the one judged.

One class is left, and is counted here: the question changes inside the machine after the keeper has looked at the
terminal and before it writes. No program outside the kernel can close that gap.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import EventKind
from tests.answers.steps import answer, asking
from tests.client import Client
from tests.harness import Node, running_node
from tests.waiting import eventually

HERE = Path(__file__).parent


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node whose agent and keeper lose races on purpose."""
    env = {"RACES": str(tmp_path / "races")}
    async with running_node(tmp_path, env=env, agent_args=(str(HERE / "racing_agent.py"),)) as node:
        yield node


class Race:
    """One session of the racing program."""

    def __init__(self, node: Node, client: Client, session: SessionId, kind: str) -> None:
        self.directory = Path(node.env["RACES"]) / session
        self.client = client
        self.session = session
        self.kind = kind
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()

    def taken(self) -> list[str]:
        path = self.directory / "taken"
        return path.read_text().splitlines() if path.exists() else []

    async def run(self, moment: str, number: int) -> tuple[Answered, str]:
        """Answer what is asked now while it changes at `moment`; "never" leaves it alone. With the question asked."""
        ask = await asking(self.client, self.session, "")
        (self.directory / "changed").unlink(missing_ok=True)
        (self.directory / "armed").write_text(f"{moment} {number}")
        reply = await answer(self.client, ask, yes=True)
        (self.directory / "armed").unlink(missing_ok=True)
        self.outcomes[moment, reply.outcome] += 1
        await self.client.until(lambda: (now := self.client.sessions[self.session].ask) and now.id != ask.id)
        asked = re.search(r"\d+", ask.excerpt)
        assert asked is not None
        return reply, asked[0]


async def race(node: Node, client: Client, kind: str) -> Race:
    env = {"RACES": node.env["RACES"]}
    session = await client.start(sys.executable, str(HERE / "racing_program.py"), kind, env=env)
    return Race(node, client, session.id, kind)


async def run_races(node: Node, count: int) -> str:
    """Run `count` races, half in lines and half in menus; what came of them in words."""
    client = await node.connect()
    races = [await race(node, client, kind) for kind in ("line", "menu")]
    late = 0
    for one in races:
        last = 1 if one.kind == "line" else 2  # a menu's second write is its Enter
        moments = [("look", 1), ("look", last), ("look", last), ("write", last), ("never", 1)]
        for turn in range(count // 2):
            moment, number = moments[turn % len(moments)]
            before = len(one.taken())
            reply, asked = await one.run(moment, number)
            new = [line for line in one.taken()[before:] if line.partition(" ")[0] != asked]
            right = [line for line in one.taken()[before:] if line not in new]
            if moment == "look":
                assert new + right == [], f"{new} was typed into another question than {asked} ({reply})"
                assert reply.outcome is Outcome.REFUSED, reply
            elif moment == "write":
                late += len(new)
            else:
                assert new == []
                assert right == [f"{asked} {'y' if one.kind == 'line' else 'Yes, go on'}"]
                assert reply.outcome is Outcome.ACCEPTED, reply
    outcomes = sum((one.outcomes for one in races), Counter())
    lost = sum(number for (moment, _), number in outcomes.items() if moment != "never")
    return f"{lost} forced races, {late} inputs of the class between check and write, 0 others; {dict(outcomes)}"


async def test_nothing_is_typed_into_another_prompt_than_the_one_judged(node: Node) -> None:
    print(await run_races(node, 50))


@pytest.mark.full
@pytest.mark.timeout(3000)
async def test_nothing_is_typed_into_another_prompt_in_a_thousand_races(node: Node) -> None:
    print(await run_races(node, 1300))


async def test_of_two_answers_at_once_one_is_typed(node: Node) -> None:
    ann, bob = await node.connect("ann"), await node.connect("bob")
    one = await race(node, ann, "line")
    ask = await asking(ann, one.session)
    replies = await asyncio.gather(answer(ann, ask, yes=True), answer(bob, ask, yes=False))
    assert sorted(reply.outcome.value for reply in replies) == ["accepted", "refused"]
    assert len(await eventually(one.taken)) == 1


async def test_the_same_request_is_carried_out_once(node: Node) -> None:
    client = await node.connect()
    one = await race(node, client, "line")
    ask = await asking(client, one.session)
    first = await answer(client, ask, yes=True, request="again")
    assert await answer(client, ask, yes=True, request="again") == first
    await node.kill_agent()
    later = await node.connect()
    assert await answer(later, ask, yes=True, request="again") == first
    assert one.taken() == ["1 y"]


async def test_an_answer_the_agent_died_over_is_unconfirmed_and_not_typed_again(node: Node) -> None:
    client = await node.connect()
    await client.subscribe(after=client.last_event)
    one = await race(node, client, "menu")
    ask = await asking(client, one.session)
    (one.directory / "armed").write_text("stall 2")
    request = asyncio.create_task(client.request(AnswerAsk(ask.id, "dying", yes=True), 5))
    await eventually(lambda: not (one.directory / "armed").exists())
    await node.kill_agent()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    later = await node.connect()
    reply = await answer(later, ask, yes=True, request="dying")
    assert reply.outcome is Outcome.UNCONFIRMED, reply
    assert one.taken() == []
    assert not [event for event in client.events if event.kind is EventKind.ASK_ANSWERED]
