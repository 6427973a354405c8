"""A real keeper in a directory of its own, with a client, for tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from node_agent.io.keeper_client import KeeperClient, KeeperGone
from node_agent.io.keeper_launch import keeper_command
from node_agent.io.keeper_notices import HeadsAdvanced, Notice, SessionClosed, SessionExited
from node_agent.io.paths import NodePaths
from node_agent.journal.reader import JournalReader, Missing
from node_agent.keeper.control import SessionRecord, SpawnRequest, WriteResult
from node_agent.keeper.processes import read_place

PATIENCE = 20.0
"""Seconds a test waits for a fact before it fails."""

ENV = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": "/", "PS1": "$ "}


async def until(fact: Callable[[], object], what: str = "") -> None:
    """Wait for `fact` to be true."""
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, f"waited in vain for {what or fact}"
        await asyncio.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    return read_place(pid) is not None


class Node:
    """A keeper process with its directories; `client` is the agent's connection to it."""

    def __init__(self, paths: NodePaths, process: subprocess.Popen[bytes]) -> None:
        self.paths = paths
        self.process = process
        self.notices: list[Notice] = []
        self.heads: dict[str, int] = {}
        self.exited: dict[str, SessionExited] = {}
        self.closed: dict[str, SessionClosed] = {}
        self._clients: list[KeeperClient] = []

    @property
    def client(self) -> KeeperClient:
        return self._clients[-1]

    async def connect(self, epoch: int = 1, *, watched: bool = False) -> KeeperClient:
        client = await KeeperClient.connect(
            self.paths.keeper_socket, epoch, watched=watched, on_notice=self._take, timeout=PATIENCE
        )
        self._clients.append(client)
        return client

    def _take(self, notice: Notice) -> None:
        self.notices.append(notice)
        if isinstance(notice, HeadsAdvanced):
            self.heads.update(notice.heads)
        elif isinstance(notice, SessionExited):
            self.exited[notice.session] = notice
        elif isinstance(notice, SessionClosed):
            self.closed[notice.session] = notice

    async def spawn(self, *command: str, cwd: str = "/", env: dict[str, str] | None = None, rows: int = 24) -> str:
        """Start a session and return its id."""
        request = SpawnRequest(uuid.uuid4().hex, command, cwd, {**ENV, **(env or {})}, 80, rows)
        return (await self.client.spawn(request)).session

    async def shell(self, script: str) -> str:
        return await self.spawn("sh", "-c", script)

    async def write(self, session: str, data: bytes, cause: str = "send") -> WriteResult:
        """Write under a request id of its own."""
        return await self.client.write(session, uuid.uuid4().hex, cause, data)

    def output(self, session: str) -> bytes:
        """What the journal holds of a session now."""
        with JournalReader(str(self.directory(session))) as reader:
            data, offset = b"", reader.first
            while True:
                piece = reader.read(offset, 1 << 20)
                assert not isinstance(piece, Missing)
                if not piece:
                    return data
                data += piece
                offset += len(piece)

    def directory(self, session: str) -> Path:
        return self.paths.sessions / session

    async def shows(self, session: str, text: bytes) -> None:
        """Wait until a session has printed `text`."""
        try:
            await until(lambda: text in self.output(session))
        except AssertionError:
            raise AssertionError(f"{text!r} is not in {self.output(session)!r}") from None

    async def ends(self, session: str) -> SessionRecord:
        """Wait until a session is closed and return its record."""
        await until(lambda: session in self.closed, f"the end of {session}")
        return await self.record(session)

    async def record(self, session: str) -> SessionRecord:
        return next(record for record in await self.client.list() if record.id == session)

    async def leave(self) -> None:
        for client in self._clients:
            await client.close()
        self._clients.clear()


@asynccontextmanager
async def running_node(
    state: Path, *, env: dict[str, str] | None = None, command: list[str] | None = None, agent: tuple[str, ...] = ()
) -> AsyncIterator[Node]:
    """A keeper for `state` that ends with the block, whatever happened in it."""
    runtime = Path(tempfile.mkdtemp(prefix="rt"))
    paths = NodePaths(state, runtime)
    paths.sessions.mkdir(parents=True, exist_ok=True)
    argv = [*(command or keeper_command()), "--socket", str(paths.keeper_socket), str(state)]
    if agent:
        argv += ["--agent", *agent]
    with open(state / "keeper.log", "ab") as log:
        process = subprocess.Popen(
            argv, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    node = Node(paths, process)
    try:
        await _answering(node)
        await node.connect()
        yield node
    finally:
        await _end(node)
        shutil.rmtree(runtime)


async def _answering(node: Node) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            await (await KeeperClient.connect(node.paths.keeper_socket, 0)).close()
        except KeeperGone:
            log = (node.paths.state / "keeper.log").read_text()
            assert node.process.poll() is None, f"the keeper ended: {log}"
            assert time.monotonic() < deadline, log
            await asyncio.sleep(0.005)
        else:
            return


async def _end(node: Node) -> None:
    await node.leave()
    if node.process.poll() is None:
        node.process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(node.process.wait, 10)
    except subprocess.TimeoutExpired:
        node.process.kill()
        node.process.wait()
        raise AssertionError("the keeper did not end when told to") from None


def run_python(code: str, *arguments: str) -> tuple[str, ...]:
    """A command that runs `code` in this interpreter."""
    return (sys.executable, "-I", "-S", "-c", code, *arguments)
