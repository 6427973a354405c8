"""The keeper is killed under load, again and again: what is lost is what is said to be lost, and the node goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.load import Load, Sizes
from tests.chaos.losses import Loss
from tests.chaos.steady import steady_client
from tests.harness import running_node
from tests.waiting import LIMIT, eventually


@pytest.mark.parametrize(
    ("kills", "sizes"),
    [
        pytest.param(2, Sizes(writers=2, askers=2, asks=2, exits=6), id="short"),
        pytest.param(
            15,
            Sizes(writers=4, askers=10, asks=5, exits=60),
            id="full",
            marks=[pytest.mark.full, pytest.mark.timeout(900)],
        ),
    ],
)
async def test_a_killed_keeper_costs_what_is_stated(tmp_path: Path, kills: int, sizes: Sizes) -> None:
    rng = random.Random(kills)
    async with running_node(tmp_path / "node") as node, steady_client(node) as client:
        for turn in range(kills + 1):
            place = tmp_path / f"load-{turn}"
            place.mkdir()
            load = Load(node, client, place, sizes)
            try:
                await load.start()
                if turn == kills:
                    await load.end()
                    break
                due = rng.randrange(300_000)
                await eventually(lambda: load.answers and load.written() >= due, 4 * LIMIT)  # noqa: B023 - used within the turn
                load.failed()
                loss = Loss(node, client, load)
                await loss.strike()
                await loss.check()
                print(f"{loss.lost} sessions lost, bytes unrecorded of each writer: {loss.unrecorded}; {load}")
            finally:
                await load.stop()
