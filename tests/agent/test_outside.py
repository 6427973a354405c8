"""Asks from outside any session end with the program that asks and with the machine's run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node_agent.io.origin import Origin
from node_agent.protocol.notices import AskChanged, AskGone
from node_agent.protocol.sessions import SignalSession
from tests.agent.test_restarts import crash
from tests.client import Client
from tests.harness import Node, running_node

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="programs are known by Linux's /proc")


def origin_of(pid: int) -> Origin:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Origin(pid, int(fields[19]))


async def ask(client: Client, origin: Origin, source: str = "a pipeline") -> None:
    told = len([notice for notice in client.notices if isinstance(notice, AskChanged)])
    await client.request(SignalSession("asking", None, "Deploy?", source, origin.pid, origin.started))
    await client.until(lambda: len([notice for notice in client.notices if isinstance(notice, AskChanged)]) > told)


def open_asks(client: Client) -> list[str]:
    assert client.node is not None
    return [ask.program for ask in client.node.asks]


async def test_a_restart_of_the_machine_ends_them(tmp_path: Path) -> None:
    async with running_node(tmp_path / "node", env={"RELAY_BOOT_ID": "first boot"}) as node:
        await ask(await node.connect(), Origin(0, 0))
        assert open_asks(await crash(node)) == ["a pipeline"]
        assert open_asks(await crash(node, boot="second boot")) == []


async def test_a_program_that_ends_takes_its_ask_along_and_no_other(node: Node) -> None:
    client = await node.connect()
    with subprocess.Popen(["sleep", "600"]) as program:
        try:
            await ask(client, origin_of(program.pid), "sleeper")
            await ask(client, origin_of(os.getpid()), "test")
        finally:
            program.kill()
    await client.until(lambda: [notice for notice in client.notices if isinstance(notice, AskGone)])
    assert open_asks(await node.connect()) == ["test"]


async def test_one_that_ended_while_no_agent_ran_is_found_out(node: Node) -> None:
    with subprocess.Popen(["sleep", "600"]) as program:
        try:
            await ask(await node.connect(), origin_of(program.pid))
            os.kill(node.agent_pid(), signal.SIGSTOP)
        finally:
            program.kill()
    await node.kill_agent()
    assert open_asks(await node.connect()) == []


async def test_a_program_that_is_not_to_be_found_here_keeps_its_ask(node: Node) -> None:
    """One in a container goes by another number."""
    here = origin_of(os.getpid())
    await ask(await node.connect(), here._replace(started=here.started + 1))
    await node.kill_agent()
    assert open_asks(await node.connect()) == ["a pipeline"]
