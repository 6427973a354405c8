"""An agent is replaced under running sessions: nothing is lost, nothing is asked twice, the attached go on."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from node_agent.bundle import read_bundle
from node_agent.io.store_schema import SCHEMA_VERSION
from node_agent.protocol.events import ListEvents
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.sessions import StartSession
from node_agent.protocol.states import Attention, EventKind
from relaytui.config import NodeConfig, Transport
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from relaytui.link.resume import ByteFeed, Resumed
from relaytui.link.streams import Output
from tests.harness import Node, running_node
from tests.home import Home
from tests.link.test_core import running_core
from tests.pty_program import PtyProgram
from tests.waiting import eventually

_WRITER = """
import itertools, os, sys, time
for number in itertools.count(1):
    print("line", number, flush=True)
    time.sleep(0.01)
    if os.path.exists(sys.argv[1]):
        sys.exit(7)
"""
_TALKER = """
import os, select, sys
number, done = 1, False
while not done:
    print("tick", number, flush=True)
    number += 1
    if select.select([0], [], [], 0.05)[0]:
        word = os.read(0, 100).decode().strip()
        print("read", word, flush=True)
        done = word == "enough"
        if not done:
            print(word, file=open(sys.argv[1], "a"))
"""
_numbers = itertools.count(1)


async def replace(node: Node, *options: str) -> None:
    """Put an agent in the place of the one that serves, as an upgrade does."""
    command = node.command("probe", "--replace", *options)
    done = await asyncio.to_thread(subprocess.run, command, env=node.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["running"]


async def start(client: NodeClient, *command: str) -> SessionId:
    request = StartSession(f"upgrade {next(_numbers)}", command, bare=True, columns=60, rows=5)
    return SessionId((await client.request(request, 30)).session.id)


def is_whole(data: bytes) -> bool:
    """Whether it is what a writer printed: every line once and in order."""
    count = data.count(b"\n")
    return data == b"".join(b"line %d\r\n" % number for number in range(1, count + 1))


class Attached:
    """An operator who stays attached."""

    def __init__(self, feed: ByteFeed) -> None:
        self.data = b""
        self.resumed = 0
        self._feed = feed

    def has_resumed(self, times: int) -> bool:
        return self.resumed >= times

    async def stay(self) -> None:
        """Take everything in until the session's stream ends; fails at a gap or a repetition."""
        async for item in self._feed:
            if isinstance(item, Output):
                assert item.offset == len(self.data)
                self.data += item.data
            elif isinstance(item, Resumed):
                self.resumed += 1


class AtTerminal:
    """An operator attached by `relaytui attach` on a terminal of their own, from the first replacement to the last."""

    def __init__(self, program: PtyProgram, read: Path) -> None:
        self.program = program
        self._read = read
        self.typed: list[str] = []

    def watch(self) -> None:
        """Take in what appears until the command ends."""
        self.program.wait(600)

    def has_read(self, word: str) -> bool:
        return f"read {word}\r\n".encode() in self.program.output

    async def type_until_read(self, number: int) -> None:
        """Type words until the program has read one: keys are dropped while there is no link, and that is told."""
        for attempt in itertools.count(1):
            self.typed.append(f"{number}.{attempt}")
            self.program.type(f"{self.typed[-1]}\r".encode())
            for _ in range(100):
                if self.has_read(self.typed[-1]):
                    return
                await asyncio.sleep(0.01)
            assert attempt < 60, self.program.output[-1000:]

    def check(self) -> None:
        """No line that was printed is missing, though a screen may have been painted again over a notice; and each
        word was read once at most, and in order."""
        ticks = [int(number) for number in re.findall(rb"tick (\d+)\r\n", self.program.output)]
        assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(ticks))
        words = self._read.read_text().split()
        assert words == [word for word in self.typed if word in words]


@asynccontextmanager
async def attached_at_terminal(home: Home, session: SessionId, read: Path) -> AsyncIterator[AtTerminal]:
    """An attached operator for the length of the block, at whose end they see the session end.

    The session is one of `_TALKER`, which notes the words it has read in the file `read`.
    """
    with home.terminal("attach", f"box/{session}", columns=200, rows=50) as program:
        await asyncio.to_thread(program.wait_for, rb"tick \d+", 60)
        operator = AtTerminal(program, read)
        watching = asyncio.create_task(asyncio.to_thread(operator.watch))
        try:
            yield operator
            program.type(b"enough\r")
            await asyncio.wait_for(watching, 60)
            operator.check()
        finally:
            if not watching.done():
                os.kill(program.pid, signal.SIGKILL)
            await asyncio.wait([watching])


@pytest.mark.parametrize(
    ("writers", "asking", "times"),
    [pytest.param(4, 2, 3), pytest.param(44, 6, 20, marks=[pytest.mark.full, pytest.mark.timeout(600)])],
)
async def test_replacing_the_agent_loses_nothing(tmp_path: Path, writers: int, asking: int, times: int) -> None:
    enough = tmp_path / "enough"
    async with running_node(tmp_path) as node:
        box = NodeConfig("box", transport=Transport.UNIX, socket=str(node.paths.agent_socket))
        async with running_core(tmp_path / "cache", box) as seen:
            await seen.up("box")
            async with open_node(box, operator="bob") as client:
                assert client.hello is not None
                before = client.hello.node
                asks = [
                    await start(client, "sh", "-c", "printf 'Proceed? [y/N] '; read x; echo got $x; read y")
                    for _ in range(asking)
                ]
                busy = [await start(client, sys.executable, "-ISc", _WRITER, str(enough)) for _ in range(writers)]
            sessions = seen.core.fleet.sessions
            by_id = {key.id: key for key in sessions}

            def attention(name: SessionId) -> Attention:
                return sessions[by_id[name]].info.attention

            await seen.until(lambda: all(name in {key.id for key in sessions} for name in [*asks, *busy]))
            by_id |= {key.id: key for key in sessions}
            await seen.until(lambda: all(attention(name) is Attention.ASKING for name in asks))
            async with open_node(box, operator="bob") as client:
                talker = await start(client, sys.executable, "-ISc", _TALKER, str(tmp_path / "read"))
            home = Home(tmp_path / "operator", box)
            attached = Attached(seen.core.feed(by_id[busy[0]], "follow", offset=0))
            staying = asyncio.create_task(attached.stay())
            async with attached_at_terminal(home, talker, tmp_path / "read") as operator:
                for number in range(times):
                    pid = node.agent_pid()
                    await replace(node)
                    assert node.agent_pid() != pid
                    await eventually(partial(attached.has_resumed, number + 1), 60)
                    await operator.type_until_read(number)
            enough.touch()
            await seen.until(lambda: all(sessions[by_id[name]].info.exit for name in busy), 300)
            await asyncio.wait_for(staying, 60)
            assert is_whole(attached.data)
            assert attached.resumed == times
            async with open_node(box, operator="bob") as client:
                assert client.hello is not None
                after = client.hello.node
                assert (after.uuid, after.store, after.keeper.pid) == (before.uuid, before.store, before.keeper.pid)
                assert after.epoch >= before.epoch + times
                states = {info.id: info for info in client.hello.sessions}
                assert {getattr(states[name].exit, "code", None) for name in busy} == {7}
                assert all(states[name].ask is not None for name in asks)
                events = (await client.request(ListEvents(0, 10_000))).events
                for name in asks:
                    kinds = [event.kind for event in events if event.session == name]
                    assert kinds.count(EventKind.ASK_OPENED) == 1
                    assert EventKind.ASK_CLOSED not in kinds
                for name in busy:
                    kinds = [event.kind for event in events if event.session == name]
                    assert kinds.count(EventKind.SESSION_EXITED) == 1
                await client.request(SendInput(asks[0], "answer", (Chunk(text="yes"), Chunk(key="enter"))))
            seen.core.watch(by_id[asks[0]], 0.0)
            await seen.until(lambda: "got yes" in seen.text(by_id[asks[0]]))


async def test_the_keeper_is_replaced_on_demand(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        client = await node.connect()
        session = await client.start("cat")
        await replace(node, "--replace-keeper")
        again = await node.connect()
        assert session.id in again.sessions
        assert again.node is not None
        assert client.node is not None
        assert again.node.node.keeper.pid == client.node.node.keeper.pid
        assert again.node.node.epoch > client.node.node.epoch


async def test_one_that_does_not_start_leaves_the_former_to_the_keeper(tmp_path: Path) -> None:
    """An agent of the same release that does not know the store's version, as one of an earlier commit."""
    root = tmp_path / "other"
    for name, content in read_bundle().files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(b"SCHEMA_VERSION = %d" % SCHEMA_VERSION, b"SCHEMA_VERSION = 1"))
    async with running_node(tmp_path / "node") as node:
        client = await node.connect()
        session = await client.start("cat")
        pid = node.agent_pid()
        command = [sys.executable, "-E", str(root), "probe", "--replace", "--state", str(node.root)]
        done = await asyncio.to_thread(
            subprocess.run, command, env=node.env, capture_output=True, text=True, timeout=60, cwd=tmp_path
        )
        assert done.returncode == 1
        assert "this node agent knows 1: start the newer agent" in json.loads(done.stdout)["error"]
        await node.serving()
        assert node.agent_pid() != pid
        again = await node.connect()
        assert session.id in again.sessions


@pytest.mark.full
async def test_an_agent_that_hangs_is_replaced_all_the_same(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        client = await node.connect()
        session = await client.start("cat")
        pid = node.agent_pid()
        os.kill(pid, signal.SIGSTOP)
        await replace(node)
        assert node.agent_pid() != pid
        again = await node.connect()
        assert session.id in again.sessions
