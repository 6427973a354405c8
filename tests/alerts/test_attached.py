"""Alerts about a session that an operator is attached to: told by nobody while they look, and by all afterwards."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node_agent.protocol.alerts import RaiseAlert
from node_agent.protocol.entities import Alert, SessionInfo
from node_agent.protocol.frames import FrameType, encode_frame
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.settings import NodeChannel
from node_agent.protocol.states import AlertKind
from relaytui.link.tasks import cancel, spawn
from tests.alerts.conftest import HASTY_AGENT, Letterbox
from tests.alerts.test_node import alert_of, alerts, claim, configure
from tests.client import Client, Stream
from tests.harness import Node, running_node
from tests.waiting import eventually

ASKS_LATER = 'read line < "$0"; printf "Proceed? [y/N] "; read answer'


class Terminal:
    """An attached terminal of ann's, which is heard every moment while it is well."""

    def __init__(self, client: Client, stream: Stream) -> None:
        self.client = client
        self.stream = stream
        self._pinging = spawn(self._ping(), name="ping")

    async def _ping(self) -> None:
        for number in itertools.count(1):
            self.client.write(encode_frame(FrameType.PING, number=number))
            await asyncio.sleep(0.2)

    async def freeze(self) -> None:
        """Stand still, as when the lid is closed: nothing is heard, and nothing tells that it is so."""
        await cancel(self._pinging)

    def leave(self) -> None:
        self.client.end(self.stream)


class Scene:
    """A session that asks when it is told to, and a node that has a channel of its own."""

    def __init__(self, node: Node, client: Client, session: SessionInfo, gate: Path) -> None:
        self.client = client
        self.session = session
        self._node = node
        self._gate = gate

    @asynccontextmanager
    async def attached(self) -> AsyncIterator[Terminal]:
        client = await self._node.connect("ann")
        stream = await client.open_bytes(self.session.id, "attach", attach="one")
        assert stream.opened.lease
        terminal = Terminal(client, stream)
        try:
            yield terminal
        finally:
            await terminal.freeze()

    async def ask(self) -> Alert:
        self._gate.write_text("now\n")
        ask = await self.client.until(lambda: self.client.sessions[self.session.id].ask)
        return await alert_of(self.client, ask.id)

    async def told_by_hand(self, letterbox: Letterbox) -> None:
        """Wait until the node has told something that came later."""
        await self.client.request(RaiseAlert("by hand", AlertKind.MANUAL, "t"))
        await eventually(lambda: "by hand" in letterbox.alert_keys())

    def silenced(self, alert: Alert) -> str:
        return alerts(self.client)[alert.key].silenced


@pytest.fixture
async def scene(node: Node, letterbox: Letterbox, tmp_path: Path) -> Scene:
    return await scene_on(node, letterbox, tmp_path)


async def scene_on(node: Node, letterbox: Letterbox, tmp_path: Path) -> Scene:
    client = await node.connect("bob")
    await configure(client, channels=(NodeChannel("box", "webhook", {"url": letterbox.url}, kinds=("ask",)),))
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    return Scene(node, client, await client.start("bash", "-c", ASKS_LATER, str(gate)), gate)


async def test_what_an_operator_has_before_their_eyes_is_told_when_they_have_left(
    scene: Scene, letterbox: Letterbox
) -> None:
    async with scene.attached() as terminal:
        alert = await scene.ask()
        await scene.client.until(lambda: scene.silenced(alert) == "ann is attached")
        assert (await claim(scene.client, alert.key)).why == "ann is attached"
        await scene.told_by_hand(letterbox)
        assert alert.key not in letterbox.alert_keys()
        terminal.leave()
        await scene.client.until(lambda: not scene.silenced(alert))
        await eventually(lambda: alert.key in letterbox.alert_keys())


async def test_what_was_answered_meanwhile_is_never_told(scene: Scene, letterbox: Letterbox) -> None:
    async with scene.attached() as terminal:
        alert = await scene.ask()
        terminal.client.type(terminal.stream, 1, b"y\r")
        await scene.client.until(lambda: not alerts(scene.client)[alert.key].is_open)
        terminal.leave()
        await scene.told_by_hand(letterbox)
        assert alert.key not in letterbox.alert_keys()


async def test_a_terminal_that_stands_still_strands_nothing(scene: Scene, letterbox: Letterbox) -> None:
    async with scene.attached() as terminal:
        alert = await scene.ask()
        await scene.client.until(lambda: scene.silenced(alert) == "ann is attached")
        await terminal.freeze()
        await eventually(lambda: alert.key in letterbox.alert_keys())
        assert not terminal.client.is_closed


async def test_who_was_refused_a_claim_is_told_when_the_operator_leaves(scene: Scene, letterbox: Letterbox) -> None:
    """However short the operator was there."""
    await configure(scene.client, disabled=("box",))
    alert = await scene.ask()
    async with scene.attached() as terminal:
        assert (await claim(scene.client, alert.key, "phone")).why == "ann is attached"
        await scene.client.until(lambda: scene.silenced(alert) == "ann is attached")
        terminal.leave()
        await scene.client.until(lambda: not scene.silenced(alert))
        assert (await claim(scene.client, alert.key, "phone")).token


async def test_what_is_told_again_louder_is_told_though_a_terminal_was_left_attached(
    scene: Scene, letterbox: Letterbox
) -> None:
    await configure(scene.client, escalate_after=0.5)
    async with scene.attached():
        alert = await scene.ask()
        await eventually(lambda: letterbox.alert_keys() == [f"{alert.key}/again"])
        assert scene.silenced(alert) == "ann is attached"


async def test_an_ask_that_is_left_on_an_attached_terminal_is_told_after_a_while(
    letterbox: Letterbox, tmp_path: Path
) -> None:
    async with running_node(tmp_path, agent_args=(HASTY_AGENT,), env={"TEST_LEFT_AFTER": "4"}) as node:
        scene = await scene_on(node, letterbox, tmp_path)
        async with scene.attached():
            alert = await scene.ask()
            await eventually(lambda: alert.key in letterbox.alert_keys())
            assert not scene.silenced(alert)


async def test_who_types_without_being_attached_sees_nothing(scene: Scene, letterbox: Letterbox) -> None:
    client = await scene._node.connect("ann")
    await client.request(SendInput(scene.session.id, "typed", (Chunk(text="x"),)))
    alert = await scene.ask()
    await eventually(lambda: letterbox.alert_keys() == [alert.key])
