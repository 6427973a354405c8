"""The operator's SSH agent is reachable from sessions at one path, over new connections too, and only where wanted."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.sessions import StartSession
from relaytui.config import NodeConfig
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates
from relaytui.link.prompts import Desk
from relaytui.link.ssh import SshConnector
from tests.processes import end_processes_of
from tests.sshd import Sshd, needs_sshd, open_sshd
from tests.waiting import LIMIT

pytestmark = [
    needs_sshd,
    pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="no ssh-agent is installed"),
]

_numbers = itertools.count(1)


@pytest.fixture
def place() -> Iterator[Path]:
    """A short directory whose processes are ended."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as name:
        yield Path(name)
        end_processes_of(Path(name))


@pytest.fixture
def ssh_agent(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ssh-agent of the operator's."""
    socket = place / "operators-agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    try:
        yield socket
    finally:
        process.terminate()
        process.wait(LIMIT)


def node_of(server: Sshd, place: Path, forward: str) -> NodeConfig:
    return server.node(
        agent=f"{sys.executable} -P -m node_agent", state=str(place / "state"), options={"ForwardAgent": forward}
    )


async def says(client: NodeClient, script: str, word: str) -> str:
    """What a session prints, once `word` stands in it."""
    request = StartSession(f"agent {next(_numbers)}", ("sh", "-c", f"{script}; sleep 60"))
    session = (await client.request(request, 30)).session.id
    for _ in range(200):
        text = "".join((await client.request(ReadLogs(session))).lines)
        if word in text:
            return text
    raise AssertionError(f"{word!r} is not in {text!r}")


async def test_sessions_reach_it_at_one_path_over_every_connection(place: Path, ssh_agent: Path) -> None:
    async with open_sshd(place / "sshd") as server:
        subprocess.run(["ssh-add", "-q", str(server.identity)], check=True, timeout=20)
        connector = SshConnector(node_of(server, place, "yes"), Desk("box", None), Gates())
        paths = set()
        sockets = set()
        for _ in range(2):  # the second finds the agent's socket known, and runs no probe
            client = await NodeClient.connect(await connector.open(), node="box", client="cli", operator="ann")
            text = await says(client, "echo at=$SSH_AUTH_SOCK=; ssh-add -l; echo done", "done")
            assert "ED25519" in text
            path = text.split("at=")[1].split("=")[0]
            paths.add(path)
            sockets.add(os.readlink(path))
            await client.close()
        assert len(paths) == 1
        assert len(sockets) == 2


async def test_nothing_is_forwarded_unasked(place: Path, ssh_agent: Path) -> None:
    async with open_sshd(place / "sshd") as server:
        connector = SshConnector(node_of(server, place, "no"), Desk("box", None), Gates())
        client = await NodeClient.connect(await connector.open(), node="box", client="cli", operator="ann")
        assert "at==" in await says(client, "echo at=$SSH_AUTH_SOCK=done", "done")
        await client.close()
