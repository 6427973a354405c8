"""Notifiers over real nodes: each alert through each channel, however many notifiers there are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.alerts import AlertList, ListAlerts, RaiseAlert
from node_agent.protocol.delivery import Sent
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import AlertKind
from relaytui.config import ChannelConfig, ChannelKind
from relaytui.notify.message import Message
from relaytui.notify.notifier import Notifier
from tests.alerts.conftest import Letterbox
from tests.alerts.conftest import letterbox as letterbox
from tests.harness import Node, running_node
from tests.link.test_core import Watched, running_core, socket_node
from tests.waiting import eventually

BELL = ChannelConfig("bell", ChannelKind.BELL)


class Outbox:
    """Stands for a channel: keeps every message, and answers with `result`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.result = Sent(True, "kept")
        self._came = asyncio.Event()

    async def deliver(self, channel: ChannelConfig, message: Message) -> Sent:
        self.messages.append(message)
        self._came.set()
        return self.result

    def told(self) -> list[str]:
        return [raised.alert.key for message in self.messages for raised in message.raised]

    async def until(self, fact: Callable[[], Any]) -> None:
        async with asyncio.timeout(15):
            while not fact():
                self._came.clear()
                await self._came.wait()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running_node(tmp_path) as node:
        yield node


@asynccontextmanager
async def connected(tmp_path: Path, name: str, **nodes: Node) -> AsyncIterator[Watched]:
    configured = [socket_node(alias, node.paths.agent_socket) for alias, node in nodes.items()]
    async with running_core(tmp_path / f"cache-{name}", *configured) as watched:
        await watched.up(*nodes)
        yield watched


@asynccontextmanager
async def notifying(watched: Watched, outbox: Outbox, *channels: ChannelConfig, **options: Any) -> AsyncIterator[None]:
    notifier = Notifier(watched.core, channels, write=lambda text: True, deliver=outbox.deliver, **options)
    notifier.start()
    try:
        yield
    finally:
        await notifier.stop()


async def raise_alert(watched: Watched, key: str, kind: AlertKind = AlertKind.MANUAL) -> None:
    await watched.core.request("box", RaiseAlert(key, kind, f"title of {key}"))


async def results(watched: Watched, key: str, count: int) -> dict[str, tuple[str, str]]:
    """State and detail of each channel, once as many as `count` have one."""
    async with asyncio.timeout(15):
        while True:
            reply: AlertList = await watched.core.request("box", ListAlerts())
            (alert,) = [alert for alert in reply.alerts if alert.key == key]
            found = {each.channel: (each.state, each.detail) for each in alert.deliveries if each.state != "claimed"}
            if len(found) == count:
                return found
            await asyncio.sleep(0.01)


async def test_two_consoles_and_a_hub_are_one_notifier(node: Node, tmp_path: Path) -> None:
    outbox = Outbox()
    async with (
        connected(tmp_path, "a", box=node) as first,
        connected(tmp_path, "b", box=node) as second,
        connected(tmp_path, "c", box=node) as third,
        notifying(first, outbox, BELL),
        notifying(second, outbox, BELL),
        notifying(third, outbox, BELL),
    ):
        keys = [f"key {n}" for n in range(12)]
        for key in keys:
            await raise_alert(first, key)
        await outbox.until(lambda: set(outbox.told()) == set(keys))
        assert sorted(outbox.told()) == sorted(keys)
        for key in keys:
            state, _ = (await results(first, key, 1))["bell"]
            assert state == "sent"


async def test_what_was_raised_before_a_notifier_came_is_told_too(node: Node, tmp_path: Path) -> None:
    outbox = Outbox()
    async with connected(tmp_path, "a", box=node) as watched:
        await raise_alert(watched, "early")
        async with notifying(watched, outbox, BELL):
            await outbox.until(lambda: outbox.told() == ["early"])
        async with notifying(watched, outbox, BELL):
            await raise_alert(watched, "late")
            await outbox.until(lambda: "late" in outbox.told())
        assert outbox.told() == ["early", "late"]


async def test_an_ask_is_told_and_not_while_the_operator_looks_at_it(node: Node, tmp_path: Path) -> None:
    outbox, looking = Outbox(), [True]
    async with (
        connected(tmp_path, "a", box=node) as watched,
        notifying(watched, outbox, BELL, looking=lambda alias, session: looking[0]),
    ):
        command = ("bash", "-c", 'printf "Proceed? [y/N] "; read answer')
        await watched.core.request("box", StartSession("asking", command, bare=True))
        await watched.until(lambda: watched.core.fleet.inbox(0.0))
        await raise_alert(watched, "afterwards")
        await outbox.until(lambda: outbox.told())
        assert outbox.told() == ["afterwards"]
        looking[0] = False
        await raise_alert(watched, "wake")
        await outbox.until(lambda: len(outbox.told()) == 3)
        told = next(m for m in outbox.messages if "asks for a yes or no" in m.title)
        assert "Proceed?" in told.body


async def test_while_a_session_has_the_terminal_what_needs_it_is_not_tried(node: Node, tmp_path: Path) -> None:
    outbox, has_terminal = Outbox(), [False]
    hook = ChannelConfig("hook", ChannelKind.COMMAND, {"command": "true"})
    async with (
        connected(tmp_path, "a", box=node) as watched,
        notifying(watched, outbox, BELL, hook, has_terminal=lambda: has_terminal[0]),
    ):
        await raise_alert(watched, "k")
        assert await results(watched, "k", 1) == {"hook": ("sent", "kept")}
        await raise_alert(watched, "l")
        assert await results(watched, "l", 1) == {"hook": ("sent", "kept")}
        has_terminal[0] = True
        await raise_alert(watched, "m")
        for key in ("k", "l", "m"):
            assert set(await results(watched, key, 2)) == {"hook", "bell"}


async def test_what_is_due_at_once_is_sent_at_once(node: Node, tmp_path: Path) -> None:
    """One that takes its time lets no other's claim lapse."""

    class Slow(Outbox):
        async def deliver(self, channel: ChannelConfig, message: Message) -> Sent:
            sent = await super().deliver(channel, message)
            await self.until(lambda: len(self.messages) >= 3)
            return sent

    outbox = Slow()
    async with connected(tmp_path, "a", box=node) as watched:
        for key in ("k", "l", "m"):
            await raise_alert(watched, key)
        async with notifying(watched, outbox, BELL):
            for key in ("k", "l", "m"):
                assert await results(watched, key, 1) == {"bell": ("sent", "kept")}
    assert sorted(outbox.told()) == ["k", "l", "m"]


async def test_a_node_that_refuses_its_copy_of_a_channel_has_its_alerts_told(node: Node, tmp_path: Path) -> None:
    outbox = Outbox()
    odd = ChannelConfig("odd", ChannelKind.WEBHOOK, {"url": "http://[::1"}, kinds=("exit",), on_node=True)
    async with connected(tmp_path, "a", box=node) as watched:
        await raise_alert(watched, "k")
        async with notifying(watched, outbox, odd, BELL):
            await outbox.until(lambda: "k" in outbox.told())


async def test_a_failure_is_stored(node: Node, tmp_path: Path) -> None:
    outbox = Outbox()
    outbox.result = Sent(False, "no paper")
    async with connected(tmp_path, "a", box=node) as watched, notifying(watched, outbox, BELL):
        await raise_alert(watched, "k")
        await outbox.until(lambda: outbox.told())
        assert await results(watched, "k", 1) == {"bell": ("failed", "no paper")}


async def test_what_was_sent_over_a_cut_is_reported_after_it_and_not_sent_again(node: Node, tmp_path: Path) -> None:
    class Cutting(Outbox):
        async def deliver(self, channel: ChannelConfig, message: Message) -> Sent:
            await watched.core.link("box").renew()
            return await super().deliver(channel, message)

    outbox = Cutting()
    async with connected(tmp_path, "a", box=node) as watched, notifying(watched, outbox, BELL):
        await raise_alert(watched, "k")
        await outbox.until(lambda: outbox.told())
        await watched.up("box")
        assert await results(watched, "k", 1) == {"bell": ("sent", "kept")}
        assert outbox.told() == ["k"]


async def test_a_node_that_is_lost_is_told_on_another_one(node: Node, tmp_path: Path) -> None:
    outbox = Outbox()
    async with running_node(tmp_path / "other") as other, connected(tmp_path, "a", box=node, gone=other) as watched:
        async with notifying(watched, outbox, BELL, lost_after=0.3):
            for number in range(5):
                command = ("sleep", "1000")
                await watched.core.request("gone", StartSession(f"start {number}", command, bare=True))
            await other.stop()
            await outbox.until(lambda: outbox.messages)
        assert [message.title for message in outbox.messages] == ["gone is lost with 5 sessions"]
        assert outbox.messages[0].raised[0].node == "box"


async def test_webhook_and_command_get_the_message_as_data(node: Node, tmp_path: Path, letterbox: Letterbox) -> None:
    script = tmp_path / "hook.py"
    script.write_text(
        "import os, sys; open(sys.argv[1], 'w').write(os.environ['RELAY_ALERT_TITLE'] + sys.stdin.read())"
    )
    channels = (
        ChannelConfig("web", ChannelKind.WEBHOOK, {"url": letterbox.url}),
        ChannelConfig("hook", ChannelKind.COMMAND, {"command": f"{sys.executable} {script} {tmp_path / 'out'}"}),
        ChannelConfig("dead", ChannelKind.COMMAND, {"command": "/nonexistent/program"}),
    )
    async with connected(tmp_path, "a", box=node) as watched:
        notifier = Notifier(watched.core, channels)
        notifier.start()
        await watched.core.request("box", RaiseAlert("k", AlertKind.MANUAL, "$(touch pwned) `x`"))
        await eventually(lambda: letterbox.posts and (tmp_path / "out").exists())
        found = await results(watched, "k", 3)
        await notifier.stop()
    assert letterbox.posts[0]["title"] == "$(touch pwned) `x`"
    assert (tmp_path / "out").read_text().startswith("$(touch pwned) `x`{")
    assert {name: state for name, (state, _) in found.items()} == {"web": "sent", "hook": "sent", "dead": "failed"}
