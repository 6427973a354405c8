"""Asks never strand, whatever breaks between them and their operator.

Two operators' machines, one with a console, see three nodes over links that break; consoles, hubs and agents are
killed; machines stand still. Each ask is recorded once, is in the inbox, and is told through every channel: `phone`,
which the nodes know too, and `desk`, which only the operators' machines know.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node_agent.protocol.alerts import AlertList, ListAlerts
from node_agent.protocol.entities import Alert, EventRecord
from node_agent.protocol.settings import GetSettings
from node_agent.protocol.states import AlertKind, EventKind
from relaytui.cli.exits import Exit
from relaytui.config import ChannelConfig, ChannelKind, Config
from relaytui.hub.core import Core
from tests.alerts.conftest import Letterbox
from tests.alerts.operators import Hook, Machine
from tests.alerts.strands import ALIASES, Fleet, Operator, open_fleet
from tests.alerts.trouble import Trouble
from tests.harness import Node
from tests.sshd import needs_sshd
from tests.waiting import eventually

pytestmark = needs_sshd


class Scene:
    """Everything of one run."""

    def __init__(self, directory: Path, fleet: Fleet, letterbox: Letterbox) -> None:
        self.fleet = fleet
        self._letterbox = letterbox
        self._hook = Hook(directory)
        self.channels = (
            ChannelConfig("phone", ChannelKind.WEBHOOK, {"url": letterbox.url}, kinds=("ask",), on_node=True),
            ChannelConfig("desk", ChannelKind.COMMAND, {"command": self._hook.command}, kinds=("ask",)),
        )
        self.machines = [
            Machine(directory / "ann", fleet.configs, self.channels, has_console=True),
            Machine(directory / "bob", fleet.configs, self.channels),
        ]

    def messages(self, channel: str) -> list[list[str]]:
        """The keys of the alerts in each message that a channel got."""
        return [post["keys"] for post in self._letterbox.posts] if channel == "phone" else self._hook.messages()

    def told(self, channel: str) -> Counter[str]:
        """How often each alert was told through a channel."""
        return Counter(key for keys in self.messages(channel) for key in keys)

    def is_told(self, key: str) -> bool:
        return all(key in self.told(channel.name) for channel in self.channels)

    async def have_channels(self) -> None:
        """Wait until each node has its copy of the channel it may use."""
        for machine in self.machines:
            await machine.start()
        async with asyncio.timeout(60):
            for box in self.fleet.boxes.values():
                client = await box.node.connect("scene")
                while not (await client.request(GetSettings())).channels:  # noqa: ASYNC110 - the node is what is asked
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def scene(letterbox: Letterbox, *, agent: tuple[str, ...] = ("-m", "node_agent")) -> AsyncIterator[Scene]:
    """Three nodes and two machines of operators whose hubs and console run."""
    with tempfile.TemporaryDirectory(prefix="rt-asks-", dir="/tmp") as name:
        async with open_fleet(Path(name), agent) as fleet:
            found = Scene(Path(name), fleet, letterbox)
            try:
                await found.have_channels()
                yield found
            finally:
                for machine in found.machines:
                    machine.close()


async def run_through(
    letterbox: Letterbox, *, sessions: int, each: int, longest: float, pause: float, limit: float
) -> str:
    """Have asks raised, told and answered while everything breaks; what came of it in words."""
    async with scene(letterbox) as found:
        config = Config(nodes=found.fleet.configs, operator="ann")
        object.__setattr__(config, "nodes", found.fleet.configs)  # not the machine's own node
        core = Core(config, client="operator", cache=found.machines[0].home.directory / "operator")
        await core.start()
        operator = Operator(core, found.is_told)
        trouble = Trouble(found.fleet, found.machines, longest, pause)
        began = time.monotonic()
        try:
            trouble.start()
            await found.fleet.raise_asks(sessions, each)
            await eventually(found.fleet.is_answered, limit)
            await trouble.stop()
            for machine in found.machines:
                await machine.start()
            await eventually(lambda: not core.fleet.inbox(core.now()), 60)
        finally:
            await trouble.stop()
            await operator.stop()
            await core.stop()
        lasted = time.monotonic() - began
        found.fleet.check_answers()
        for machine in found.machines:
            assert await _inbox(machine) == []
        claims: dict[str, Counter[str]] = {channel.name: Counter() for channel in found.channels}
        for alias, box in found.fleet.boxes.items():
            opened = await _check_events(box.node, found.fleet.expected[alias])
            assert opened <= operator.seen[alias]
            for alert in await _check_alerts(box.node, opened):
                for delivery in alert.deliveries:
                    claims[delivery.channel][alert.key] = delivery.tries
        return _account(found, claims, trouble, f"{lasted:.0f} s, answers {dict(operator.outcomes)}")


async def _inbox(machine: Machine) -> Any:
    """What `relaytui inbox` prints, once all nodes answer it."""
    words = ["inbox", "--json", *(word for alias in ALIASES for word in ("--node", alias))]
    async with asyncio.timeout(60):
        while (done := await asyncio.to_thread(machine.home.run, *words)).returncode:
            assert done.returncode == Exit.PARTIAL, done.stderr
    return json.loads(done.stdout)


async def _check_events(node: Node, expected: list[str]) -> set[str]:
    """Each question was an ask once, and ended; the ids of the asks."""
    client = await node.connect("checker")
    assert client.node is not None
    await client.subscribe(client.node.node.store, 0)
    await client.until(lambda: client.events and client.events[-1].n >= client.last_event)
    assert [event.n for event in client.events] == list(range(1, len(client.events) + 1))
    opened = [event for event in client.events if event.kind is EventKind.ASK_OPENED]
    asked = Counter(map(_question, opened))
    odd = {event.session for event in opened if asked[_question(event)] > 1}
    assert asked == Counter(expected), "\n".join(str(event) for event in client.events if event.session in odd)
    ids = [event.data["ask"]["id"] for event in opened]
    closed = [event.data["ask"] for event in client.events if event.kind is EventKind.ASK_CLOSED]
    assert sorted(closed) == sorted(ids)
    return set(ids)


def _question(event: EventRecord) -> str:
    found = re.search(r"Proceed with (\S+)\?", event.data["ask"]["excerpt"])
    assert found is not None, event
    return found[1]


async def _check_alerts(node: Node, asks: set[str]) -> list[Alert]:
    """Each ask was one alert, and none is open any more; the alerts."""
    client = await node.connect("checker")
    listed: AlertList = await client.request(ListAlerts(limit=5000))
    found = [alert for alert in listed.alerts if alert.kind is AlertKind.ASK]
    assert sorted(str(alert.ask) for alert in found) == sorted(asks)
    assert not [alert.key for alert in found if alert.is_open]
    return found


def _account(found: Scene, claims: dict[str, Counter[str]], trouble: Trouble, words: str) -> str:
    """Check how often each alert was told, and say it."""
    twice = Counter(dict.fromkeys(claims, 0))
    for channel, given in claims.items():
        told = found.told(channel)
        assert set(told) == set(given)
        assert not {key: count for key, count in told.items() if count > given[key]}, "told without a claim"
        twice[channel] = told.total() - len(told)
    lapsed = sum(given.total() - len(given) for given in claims.values())
    repeated = sum(_repeats(found.messages(channel)) for channel in claims)
    assert repeated <= trouble.disrupted * len(claims)
    asks = sum(map(len, found.fleet.expected.values()))
    return (
        f"{asks} asks in {words}; {dict(trouble.counts)}: {trouble.disrupted} senders disrupted;"
        f" {lapsed} claims lapsed, told twice {dict(twice)} in {repeated} messages"
    )


def _repeats(messages: list[list[str]]) -> int:
    """Messages that told something again."""
    seen: set[str] = set()
    count = 0
    for keys in messages:
        count += not seen.isdisjoint(keys)
        seen.update(keys)
    return count


async def test_asks_never_strand(letterbox: Letterbox) -> None:
    print(await run_through(letterbox, sessions=2, each=3, longest=3.0, pause=1.2, limit=90))


@pytest.mark.full
@pytest.mark.timeout(3000)
async def test_five_hundred_asks_never_strand(letterbox: Letterbox) -> None:
    print(await run_through(letterbox, sessions=28, each=6, longest=60.0, pause=5.0, limit=2400))


async def run_frozen(letterbox: Letterbox, asks: int, *agent: str) -> str:
    """Have asks raised while the operators' machines stand still; how they came, in words."""
    async with scene(letterbox, agent=agent or ("-m", "node_agent")) as found:
        one, other = found.machines
        with one.frozen(), other.frozen():
            await found.fleet.raise_asks(asks, 1)
            began = time.monotonic()
            keys = [await _open_keys(box.node, asks) for box in found.fleet.boxes.values()]
            everything = set().union(*keys)
            await eventually(lambda: set(found.told("phone")) >= everything, 60)
            lasted = time.monotonic() - began
            assert not found.messages("desk")
        await eventually(lambda: set(found.told("desk")) >= everything, 90)
        assert set(found.told("phone").values()) == {1}
        for box in found.fleet.boxes.values():
            client = await box.node.connect("checker")
            listed: AlertList = await client.request(ListAlerts(limit=1000))
            by_phone = [d for alert in listed.alerts for d in alert.deliveries if d.channel == "phone"]
            assert [d.sender.partition(" ")[0] for d in by_phone] == ["node"] * asks
        return f"{len(everything)} asks, all told by their nodes {lasted:.1f} s after they were raised"


async def _open_keys(node: Node, count: int) -> set[str]:
    """The keys of the alerts about a node's asks, once there are so many."""
    client = await node.connect("checker")
    while True:
        listed: AlertList = await client.request(ListAlerts(limit=1000, only_open=True))
        found = {alert.key for alert in listed.alerts if alert.kind is AlertKind.ASK}
        if len(found) == count:
            return found
        await asyncio.sleep(0.05)


async def test_while_the_operators_machines_stand_still_the_nodes_tell(letterbox: Letterbox) -> None:
    """Claims last a second here instead of fifteen."""
    print(await run_frozen(letterbox, 3, str(Path(__file__).with_name("hasty_agent.py"))))


@pytest.mark.full
async def test_while_the_operators_machines_stand_still_the_nodes_tell_within_their_time(letterbox: Letterbox) -> None:
    print(await run_frozen(letterbox, 20))
