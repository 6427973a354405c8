"""The agent is killed again and again while its sessions print, ask, record and end: nobody can tell afterwards."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.load import Load, Sizes
from tests.chaos.steady import steady_client
from tests.harness import eventually, running_node

SHORT = Sizes(kills=5, writers=2, askers=3, asks=4, exits=12)
FULL = Sizes(kills=60, writers=4, askers=25, asks=10, exits=250)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.full, pytest.mark.timeout(1200)]),
    ],
)
async def test_killed_agents_leave_no_trace(tmp_path: Path, sizes: Sizes) -> None:
    rng = random.Random(sizes.kills)
    async with running_node(tmp_path) as node, steady_client(node) as client:
        load = Load(node, client, tmp_path, sizes)
        try:
            await load.start()
            for _ in range(sizes.kills):
                due = load.written() + rng.randrange(300_000)
                await eventually(lambda: load.written() >= due)  # noqa: B023 - used within the turn
                load.failed()
                await node.kill_agent()
            await load.end()
        finally:
            await load.stop()
        assert client.connections > sizes.kills / 2
        print(
            f"{sizes.kills} kills, {load.written()} bytes, {load.answers} answers, {sizes.exits} exits, "
            f"{len(load.typed)} words typed twice, {len(client.events)} events"
        )
