"""Whoever can be killed is killed again and again while sessions print, ask, record and end: nobody can tell later.

Agents are killed and overlap; the console, the ssh that carries a link, sshd's children and commands that type are
killed; two cores, one on each kind of link, watch and type all the while.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from relaytui.config import Transport
from tests.chaos.blows import Blow, Target, shuffled
from tests.chaos.load import Load, Sizes
from tests.chaos.operator import Console, Sender, operator_home
from tests.chaos.remote import node_configs, remote_node
from tests.chaos.steady import steady_client
from tests.chaos.watching import Watch
from tests.harness import running_node
from tests.sshd import needs_sshd, open_sshd
from tests.waiting import eventually

pytestmark = needs_sshd

_SHORT = Sizes(writers=1, askers=2, asks=3, exits=8)
_FULL = Sizes(writers=4, askers=25, asks=10, exits=250)
_STEP = 60_000
"""Bytes that each writer prints between two blows at most."""


@pytest.mark.parametrize(
    ("blows", "sizes"),
    [
        pytest.param(Counter(dict.fromkeys(Blow, 1) | {Blow.AGENT: 2}), _SHORT, id="short"),
        pytest.param(
            Counter(dict.fromkeys(Blow, 15) | {Blow.AGENT: 60}),
            _FULL,
            id="full",
            marks=[pytest.mark.full, pytest.mark.timeout(1800)],
        ),
    ],
)
async def test_the_killed_leave_no_trace(tmp_path: Path, blows: Counter[Blow], sizes: Sizes) -> None:
    rng = random.Random(blows.total())
    places = [tmp_path / name for name in ("one", "two", "operator")]
    for place in places:
        place.mkdir()
    async with (
        running_node(tmp_path / "node") as node,
        steady_client(node) as client,
        open_sshd(tmp_path / "sshd") as sshd,
        remote_node(node, sshd, None, places[0], Transport.ASYNCSSH) as one,
        remote_node(node, sshd, None, places[1], Transport.OPENSSH) as two,
        operator_home(*node_configs(node, sshd, None, places[2], Transport.OPENSSH)) as home,
    ):
        load, console = Load(node, client, tmp_path, sizes), Console(home, client)
        sent = places[2] / "sent"
        sender = Sender(home, await one.start_recorder(sent), rng)
        target = Target(node, sshd, (one, two), console, rng)
        watches: list[Watch] = []
        console.start()
        try:
            for remote, place in ((one, places[0]), (two, places[1])):
                watches.append(await Watch.begin(remote, place))
            await load.start()
            for blow in shuffled(blows, rng):
                due = load.written() + rng.randrange(sizes.writers * _STEP)
                await eventually(lambda: load.written() >= due)  # noqa: B023 - used within the turn
                load.failed()
                await target.hit(blow)
            await load.end()
            await console.shows_what_is_new()
            await sender.stop()
            print(", ".join(f"{blow.value} {count} times" for blow, count in blows.items()))
            print(f"{load}; {len(sender.acknowledged)} words sent by commands, {sender.killed} of those killed")
            for watch in watches:
                print(await watch.end())
        finally:
            await sender.stop()
            console.close()
            await load.stop()
            for watch in watches:
                await watch.stop()
        sender.check(sent.read_bytes())
        for remote in (one, two):
            await eventually(lambda: remote.core.event_numbers[-1] == client.events[-1].n)  # noqa: B023 - as above
            remote.core.check_events()
