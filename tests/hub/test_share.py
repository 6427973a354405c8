"""Links that a hub lends: commands reach a node without a login of their own, and do without a hub as well."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relaytui.config import NodeConfig
from relaytui.hub.share import LinkShare
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates
from relaytui.link.duplex import Duplex
from relaytui.link.errors import AgentUnreachable, LinkError
from relaytui.link.prompts import Desk
from relaytui.link.shared import SharedConnector, open_shared
from relaytui.link.ssh import SshConnector
from tests.harness import running_node
from tests.home import Home
from tests.link.test_core import agent_command, running_core
from tests.sshd import Sshd, needs_sshd, open_sshd
from tests.waiting import eventually


class Refusing:
    """Stands for a login of our own that must not be needed."""

    async def open(self, *, bulk: bool = False) -> Duplex:
        raise LinkError("a login of its own")


@needs_sshd
async def test_a_command_goes_over_the_hubs_login_and_past_a_hub_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "hub.sock"
    async with running_node(tmp_path / "n") as node, open_sshd(tmp_path / "sshd") as sshd:
        box = sshd.node("box", agent=str(agent_command(tmp_path, node)), state=str(node.root))
        async with running_core(tmp_path / "cache", box) as hub:
            await hub.up("box")
            share = LinkShare(hub.core, path)
            await share.start()
            logins = set(sshd.connections())
            for number in range(3):
                connector = SharedConnector(box, Refusing, path)
                client = await NodeClient.connect(
                    await connector.open(), node="box", client="cli", operator=f"ann {number}"
                )
                assert client.note == "through the hub"
                assert client.node.uuid == hub.core.fleet.nodes["box"].info.uuid  # type: ignore[union-attr]  # it is up
                await client.close()
            assert set(sshd.connections()) == logins

            await _is_refused(replace(box, port=box.port + 1), path, "it ended")  # another machine by the same name
            await _is_refused(replace(box, alias="other"), path, "it ended")
            await share.stop()
        with pytest.raises(LinkError, match="a login of its own"):
            await SharedConnector(box, Refusing, path).open()
        path.touch()  # left behind by a hub that was killed
        with pytest.raises(LinkError, match="a login of its own"):
            await SharedConnector(box, Refusing, path).open()


LISTENER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)
listener.listen()
print("listening", flush=True)
connection, _ = listener.accept()
try:
    connection.sendall(b"ok\\n")
    print(connection.recv(1000), flush=True)
except OSError:
    print(b"", flush=True)
"""
"""Another user's program that plays the hub, and says what it was told."""


async def test_a_socket_that_is_somebody_elses_is_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hub.sock"
    listener = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert listener.stdout is not None
    try:
        assert await listener.stdout.readline() == b"listening\n"
        if (own := os.getuid()) != 0:  # who is not root cannot be anybody else, but can be taken for it
            monkeypatch.setattr(os, "getuid", lambda: own + 1)
        with pytest.raises(LinkError, match="a login of its own"):
            await SharedConnector(NodeConfig("box", host="box"), Refusing, path).open()
        assert await listener.stdout.readline() == b"b''\n"
        assert await listener.wait() == 0
    finally:
        if listener.returncode is None:
            listener.kill()
            await listener.wait()


@needs_sshd
async def test_a_login_that_was_closed_is_not_lent(tmp_path: Path) -> None:
    async with running_node(tmp_path / "n") as node, open_sshd(tmp_path / "sshd") as sshd:
        box = sshd.node("box", agent=str(agent_command(tmp_path, node)), state=str(node.root))
        connector = SshConnector(box, Desk("box", None), Gates())
        stream = await connector.open()
        assert stream.beside is not None
        await (await stream.beside()).close()
        await stream.close()
        with pytest.raises(LinkError, match="its login was closed"):
            await stream.beside()


@needs_sshd
async def test_the_login_that_is_in_use_is_lent_where_two_were_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that is slow is tried a second time beside it; the one that comes too late is closed."""
    opened: list[Duplex] = []
    open_one = SshConnector.open

    async def open_both(connector: SshConnector, *, bulk: bool = False) -> Duplex:
        opened.append(duplex := await open_one(connector, bulk=bulk))
        try:
            await eventually(lambda: len(opened) == 2)
            if duplex is opened[1]:
                await asyncio.Event().wait()  # until the first has become the link, and this one is given up
        except asyncio.CancelledError:
            await duplex.close()
            raise
        return duplex

    async with running_node(tmp_path / "n") as node, open_sshd(tmp_path / "sshd") as sshd:
        box = sshd.node("box", agent=str(agent_command(tmp_path, node)), state=str(node.root))
        monkeypatch.setattr(SshConnector, "open", open_both)
        async with running_core(tmp_path / "cache", box) as hub:
            await hub.up("box")
            await eventually(lambda: len(sshd.connections()) == 1)  # the other login has been closed
            await (await hub.core.open_beside("box")).close()


async def _is_refused(node: NodeConfig, path: Path, why: str) -> None:
    with pytest.raises(AgentUnreachable, match=why):
        await open_shared(node, path)


@pytest.fixture
async def sshd(home: Home) -> AsyncIterator[Sshd]:
    """The sshd before the node `box` of the home's config; a hub with its link there runs."""
    async with open_sshd(home.directory / "sshd") as sshd:
        agent = f"{sys.executable} -P -m node_agent"
        state = str(home.directory / f"box-{sshd.port}")  # its sockets are in this sshd's temp directory
        home.configure(sshd.node("box", agent=agent, state=state))
        home.ok("hub", "start")
        await eventually(lambda: {"name": "box", "state": "connected", "words": "connected"} in _hub(home)["nodes"])
        yield sshd
        home.run("hub", "stop")


@needs_sshd
async def test_console_and_attach_go_over_the_hubs_login_and_go_on_when_it_is_killed(home: Home, sshd: Sshd) -> None:
    (login,) = sshd.connections()
    key = home.start("bash", "--norc", "-i", options=["--node", "box", "--title", "shell"])
    with ExitStack() as stack:  # one after the other: a hub that takes over a second to answer is passed over
        terminal = stack.enter_context(home.terminal("attach", key))
        terminal.wait_for(b"attached to")
        await eventually(lambda: _hub(home)["shared"] == 1)
        console = stack.enter_context(home.terminal(columns=100, rows=30))
        console.wait_for(b"shell")
        await eventually(lambda: _hub(home)["shared"] == 2)
        assert sshd.connections() == [login]
        os.kill(_hub(home)["pid"], signal.SIGKILL)
        await eventually(lambda: len(sshd.connections()) == 2 and login not in sshd.connections())
        terminal.wait_for(b"attached to.*attached to")  # it says so again on its new link
        terminal.type(b"echo $((40 + 2))-still\r")
        terminal.wait_for(b"42-still")
        console.wait_for(b"42-still")
        terminal.type(b"\x1dd")
        assert terminal.wait() == 0
    home.ok("kill", key)


@needs_sshd
async def test_why_a_job_waits_is_asked_over_the_hubs_login(home: Home, sshd: Sshd) -> None:
    logins = sshd.log().count("Accepted")
    assert logins > 0
    name = home.ok("job", "submit", "--requires", "unicorn", "--node", "box", "--", "true").strip()
    reasons = {node["node"]: node["reasons"] for node in home.json("job", "why", name)["nodes"]}
    assert reasons["box"] == ["needs unicorn"]
    assert sshd.log().count("Accepted") == logins
    home.ok("job", "cancel", name)


def _hub(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = home.json("hub", "status")
    return found
