"""The keeper keeps an agent alive, whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

import node_agent
from tests.keeper.harness import is_alive, running_node, until

AGENT = """
import asyncio, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from node_agent.io.keeper_client import KeeperClient

async def main():
    log = pathlib.Path(sys.argv[3])
    client = await KeeperClient.connect(pathlib.Path(sys.argv[2]), 1, watched=True)
    with log.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    await client.closed.wait()

asyncio.run(main())
"""


def agent_command(socket: Path, log: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", AGENT, str(Path(node_agent.__file__).parent.parent), str(socket), str(log))


def started(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


async def test_an_agent_is_started_and_started_again(tmp_path: Path) -> None:
    log = tmp_path / "agents"
    async with running_node(tmp_path / "state") as node:
        await node.client.keep_agent(agent_command(node.paths.keeper_socket, log))
        for count in (1, 2):
            await until(lambda: len(started(log)) == count, "an agent")  # noqa: B023 - awaited within the round
            os.kill(started(log)[-1], signal.SIGKILL)
        await until(lambda: len(started(log)) == 3)
    await until(lambda: not any(is_alive(pid) for pid in started(log)), "the agents to be gone")


async def test_an_agent_survives_the_keepers_upgrade(tmp_path: Path) -> None:
    log = tmp_path / "agents"
    async with running_node(tmp_path / "state") as node:
        await node.client.keep_agent(agent_command(node.paths.keeper_socket, log))
        await until(lambda: len(started(log)) == 1)
        await node.client.upgrade()
        assert is_alive(started(log)[0])
        os.kill(started(log)[0], signal.SIGKILL)
        await until(lambda: len(started(log)) == 2, "the upgraded keeper to start another")


async def test_an_agent_started_by_hand_is_enough(tmp_path: Path) -> None:
    log = tmp_path / "agents"
    async with running_node(tmp_path / "state") as node:
        watched = await node.connect(watched=True)
        await node.client.keep_agent(agent_command(node.paths.keeper_socket, log))
        await asyncio.sleep(1.5)  # longer than the pause before the first start
        assert started(log) == []
        await watched.close()
        await until(lambda: len(started(log)) == 1, "an agent in its place")


@pytest.mark.full
async def test_a_silent_agent_is_killed_and_replaced(tmp_path: Path) -> None:
    log = tmp_path / "agents"
    async with running_node(tmp_path / "state") as node:
        await node.client.keep_agent(agent_command(node.paths.keeper_socket, log))
        await until(lambda: len(started(log)) == 1)
        os.kill(started(log)[0], signal.SIGSTOP)
        await until(lambda: len(started(log)) == 2, "another agent")
        assert not is_alive(started(log)[0])


async def test_an_agent_that_cannot_start_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    async with running_node(tmp_path / "state", agent=("sh", "-c", f"echo x >>{tries}; exit 1")) as node:
        await until(lambda: tries.exists() and len(tries.read_text().split()) >= 4)
        session = await node.shell("echo fine")
        await node.shows(session, b"fine")
        await asyncio.sleep(1.0)  # at the first pause of 0.1 s this would be ten more
        assert len(tries.read_text().split()) <= 6
