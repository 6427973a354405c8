"""The inbox on a real node: what one operator does is what every other sees, because the node keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome, SnoozeAsk
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.settings import GetSettings, Mute, MuteScope, NodeSettings
from relaytui.config import Config, NodeConfig, Transport
from relaytui.console import Console, ConsoleOptions
from relaytui.hub.core import Core
from tests.client import Client
from tests.console.driver import Operator
from tests.harness import running_node

ASKING = 'printf "Proceed? [y/N] "; read answer; echo "answered <$answer>"; exec sleep 1000'


def ask_of(client: Client, session: SessionId) -> AskInfo | None:
    return client.sessions[session].ask


async def test_what_one_operator_does_about_an_ask_every_other_sees(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        bob = await node.connect("bob@home")
        session = (await bob.start("bash", "-c", ASKING, title="upgrade")).id
        box = NodeConfig("box", transport=Transport.UNIX, socket=str(node.paths.agent_socket))
        nowhere = NodeConfig("local", transport=Transport.UNIX, socket=str(tmp_path / "nowhere"))
        core = Core(Config(nodes=(nowhere, box), operator="ann@desk"), cache=tmp_path / "cache")
        console = Console(core, ConsoleOptions(operator="ann@desk"))
        try:
            async with console.run_test(size=(120, 30)) as pilot:
                await _round(Operator(console, _never(), pilot), bob, session)
        finally:
            await core.stop()


async def _round(ann: Operator, bob: Client, session: SessionId) -> None:
    await ann.press("I")
    await ann.until_seen(f"box/{session}", "Inbox   1 waiting")
    await bob.until(lambda: ask_of(bob, session))

    await ann.press("C")
    await bob.until(lambda: (ask := ask_of(bob, session)) and ask.claimed_by == "ann@desk")
    await ann.until_seen("yours")

    await ann.press("S", "enter")  # until it changes
    await bob.until(lambda: (ask := ask_of(bob, session)) and ask.snoozed)
    await ann.until_seen("nothing waits, 1 put aside", "snoozed")
    ask = ask_of(bob, session)
    assert ask is not None
    await bob.request(SnoozeAsk(ask.id, -1.0))
    await ann.until_seen("Inbox   1 waiting")

    await ann.press("m", "enter")
    await bob.until(lambda: (ask := ask_of(bob, session)) and ask.muted)
    settings: NodeSettings = await bob.request(GetSettings())
    assert settings.mutes == (Mute(MuteScope.SESSION, session, "ann@desk"),)
    await ann.until_seen("1 put aside", "muted")
    await ann.press("m", "enter", "a")
    await bob.until(lambda: (ask := ask_of(bob, session)) and not ask.muted and ask.acked_by == "ann@desk")
    await ann.until_seen("Inbox   1 waiting", "seen")

    await ann.press("!")
    await ann.until_seen("rules suspended on 1 of 2 nodes")
    settings = await bob.request(GetSettings())
    assert settings.policy_suspended

    answered: Answered = await bob.request(AnswerAsk(ask.id, "bobs", yes=True))
    assert answered.outcome is Outcome.ACCEPTED, answered
    await ann.until_seen("Inbox   nothing waits", "Nothing is asked.")


def _never() -> Any:
    """There is no script: time and nodes are real."""
    return None
