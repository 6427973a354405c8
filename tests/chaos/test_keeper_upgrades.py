"""The keeper replaces its program in place under load, and agents die between: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperClient
from tests.chaos.load import Load, Sizes
from tests.chaos.steady import steady_client
from tests.harness import Node, running_node
from tests.waiting import eventually

_STEP = 100_000
"""Bytes that the writers print between two blows."""


@pytest.mark.parametrize(
    ("upgrades", "sizes"),
    [
        pytest.param(3, Sizes(writers=2, askers=2, asks=2, exits=6), id="short"),
        pytest.param(
            25,
            Sizes(writers=4, askers=8, asks=5, exits=60),
            id="full",
            marks=[pytest.mark.full, pytest.mark.timeout(900)],
        ),
    ],
)
async def test_a_keeper_that_upgrades_loses_nothing(tmp_path: Path, upgrades: int, sizes: Sizes) -> None:
    async with running_node(tmp_path) as node, steady_client(node) as client:
        load = Load(node, client, tmp_path, sizes)
        try:
            await load.start()
            for turn in range(upgrades):
                due = load.written() + _STEP
                await eventually(lambda: load.written() >= due)  # noqa: B023 - used within the turn
                load.failed()
                await _upgrade(node)
                if turn % 2:
                    await node.kill_agent()
            await load.end()
        finally:
            await load.stop()


async def _upgrade(node: Node) -> None:
    """Upgrade in the name of the present agent; the keeper stays the same process."""
    observer = await node.keeper()
    keeper = await KeeperClient.connect(node.paths.keeper_socket, observer.info.epoch)
    try:
        assert (await keeper.upgrade()).pid == observer.info.pid
    finally:
        await keeper.close()
        await observer.close()
