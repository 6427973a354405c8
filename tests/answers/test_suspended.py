"""Automatic answers and the switch that suspends them: the node has the last word, at each key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.asks import Outcome
from node_agent.protocol.message import Request
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.settings import GetSettings, NodeSettings, SetSettings
from node_agent.protocol.states import EventKind
from relaytui.hub.attendant import Attendant
from relaytui.hub.ledger import Ledger
from relaytui.hub.policy import Action, Rule
from relaytui.notify.switches import change_settings, suspending
from tests.answers.steps import answer, asking, screen
from tests.client import Client
from tests.harness import Node, running_node
from tests.link.test_core import running_core, socket_node
from tests.waiting import eventually

ASK = ("bash", "-c", 'printf "Overwrite? [y/N] "; read answer; echo "answered <$answer>"; exec cat')
WHY = "automatic answers are suspended on this node"
YES = Rule("yes", Action.ALLOW, answer="[Yy]*", dry_run=False)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path) as node:
        yield node


async def suspend(client: Client, *, is_suspended: bool = True) -> None:
    settings: NodeSettings = await client.request(GetSettings())
    await client.request(SetSettings(suspending(is_suspended=is_suspended)(settings)))


async def test_while_they_are_suspended_a_rule_answers_nothing_and_a_human_does(node: Node) -> None:
    client = await node.connect()
    await client.subscribe(after=client.last_event)
    session = await client.start(*ASK)
    ask = await asking(client, session.id)
    await suspend(client)
    reply = await answer(client, ask, yes=True, policy="yes")
    assert (reply.outcome, reply.why) == (Outcome.REFUSED, WHY)
    assert (await answer(client, ask, yes=True)).outcome is Outcome.ACCEPTED
    await client.until(lambda: len([e for e in client.events if e.kind is EventKind.ASK_ANSWERED]) == 2)
    answers = [e.data for e in client.events if e.kind is EventKind.ASK_ANSWERED]
    assert [(data["policy"], data["outcome"]) for data in answers] == [("yes", "refused"), ("", "accepted")]


async def test_an_answer_under_way_stops_at_the_next_key(tmp_path: Path) -> None:
    script = 'printf "Go on? [y/n] "; until [ "$k" = y ]; do read -rsn1 k; all=$all$k; done; echo "<$all>"; exec cat'
    agent = Path(__file__).with_name("suspending_agent.py")
    async with running_node(tmp_path, agent_args=(str(agent),)) as node:
        client = await node.connect()
        session = await client.start("bash", "-c", script)
        ask = await asking(client, session.id)
        reply = await answer(client, ask, keys=("x", "z"), policy="yes")
        assert (reply.outcome, reply.why) == (Outcome.UNCONFIRMED, WHY)
        ask = await asking(client, session.id)
        assert (await answer(client, ask, keys=("y",))).outcome is Outcome.ACCEPTED
        await screen(client, session.id, "<xy>")


async def test_suspending_between_a_hubs_look_and_its_answer_sends_nothing(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "policy.jsonl")
    async with running_core(tmp_path / "cache", socket_node("box", node.paths.agent_socket)) as watched:
        await watched.up("box")
        ask_node = watched.core.request

        async def request(alias: str, wanted: Request, timeout: float = 10.0) -> Any:
            reply = await ask_node(alias, wanted, timeout)
            if isinstance(wanted, GetSettings):
                await change_settings(lambda asked: ask_node(alias, asked), suspending(is_suspended=True))
            return reply

        monkeypatch.setattr(watched.core, "request", request)
        attendant = Attendant(watched.core, [YES], ledger)
        attendant.start()
        try:
            await ask_node("box", StartSession("asking", ASK, bare=True))
            await watched.until(lambda: watched.core.fleet.inbox(0.0))
            await eventually(lambda: len(ledger.entries()) == 2)
        finally:
            await attendant.stop()
        assert [entry.outcome for entry in ledger.entries()] == ["sending", f"refused: {WHY}"]
        assert watched.core.fleet.inbox(0.0)
