"""A real node for tests: agent and keeper as processes in a directory of their own.

    async with running_node(tmp_path) as node:
        client = await node.connect()
        session = await client.start("bash", "-c", "echo hi")
        assert (await client.ended(session.id)).code == 0

Everything waits for facts with a time limit, and leaving the `with` ends every process the node started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from node_agent.io.keeper_client import KeeperClient, KeeperGone
from node_agent.io.paths import NodePaths, node_paths
from node_agent.io.start import is_serving
from tests.client import Client
from tests.processes import end_processes_of, is_alive
from tests.waiting import LIMIT, eventually

NEWEST = 1 << 40
"""An agent epoch that no agent reaches: whoever has it may end the keeper."""


class Node:
    """One node: `root` is its state root; `agent_args` tell Python what its agent is."""

    def __init__(self, root: Path, env: dict[str, str], runtime: Path, agent_args: Sequence[str]) -> None:
        self.root = root
        self.env = env
        self.paths: NodePaths = node_paths(root, env)
        self._runtime = runtime
        self._agent_args = agent_args
        self._processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[Client] = []

    def command(self, *words: str) -> list[str]:
        """A `node-agent` command line for this node."""
        return [sys.executable, *self._agent_args, *words, "--state", str(self.root)]

    def start_agent(self) -> subprocess.Popen[bytes]:
        """Start an agent as a child of this process, whether or not one runs."""
        process = subprocess.Popen(
            self.command("serve"), env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self._processes.append(process)
        return process

    async def serving(self) -> None:
        """Wait until an agent answers."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LIMIT
        while not await loop.run_in_executor(None, is_serving, self.paths):
            assert loop.time() < deadline, f"no agent answers:\n{self.log()}"
            await asyncio.sleep(0.02)

    def agent_pid(self) -> int:
        return int(self.paths.agent_lock.read_text())

    def log(self) -> str:
        """What the agent logged."""
        return self.paths.agent_log.read_text() if self.paths.agent_log.exists() else ""

    async def kill_agent(self) -> int:
        """Kill the agent as a crash would and wait until the next one serves; its pid.

        The keeper starts the next one at once the first time and takes longer each time after that, so this does
        what a client would that finds no agent: it starts one.
        """
        old = self.agent_pid()
        os.kill(old, signal.SIGKILL)
        await eventually(lambda: not is_alive(old))
        self.start_agent()
        await eventually(lambda: self.paths.agent_lock.read_text().strip() not in ("", str(old)))
        await self.serving()
        return self.agent_pid()

    async def keeper(self) -> KeeperClient:
        """An observer's connection to the keeper."""
        return await KeeperClient.connect(self.paths.keeper_socket, 0)

    async def connect(self, operator: str = "ann", *, watch: bool = True, greet: bool = True) -> Client:
        """A client of this node; closed with the node."""
        client = Client()
        await client.open(self.paths.agent_socket)
        self.adopt_client(client)
        if greet:
            await client.hello(operator, watch=watch)
        return client

    def adopt_client(self, client: Client) -> None:
        """Close `client` with the node."""
        self._clients.append(client)

    async def close_clients(self) -> None:
        """Close every client that `connect` made; they belong to the event loop they were made in."""
        while self._clients:
            await self._clients.pop().close()

    async def stop(self) -> None:
        """End every process of this node, those of logins too: an agent that is left starts the next keeper."""
        await self.close_clients()
        for process in self._processes:
            process.terminate()
            process.wait(LIMIT)
        with contextlib.suppress(KeeperGone):
            keeper = await KeeperClient.connect(self.paths.keeper_socket, NEWEST, timeout=4 * LIMIT)
            try:
                await asyncio.wait_for(keeper.shutdown(), LIMIT)
            finally:
                await keeper.close()
        end_processes_of(self._runtime)
        shutil.rmtree(self._runtime, ignore_errors=True)


@contextlib.asynccontextmanager
async def running_node(
    root: Path, *, env: dict[str, str] | None = None, agent_args: Sequence[str] = ("-m", "node_agent")
) -> AsyncIterator[Node]:
    """A node that serves, its state below `root`; `agent_args` replaces the program that is the agent."""
    node = await start_node(root, env=env, agent_args=agent_args)
    try:
        yield node
    finally:
        await node.stop()


async def start_node(
    root: Path, *, env: dict[str, str] | None = None, agent_args: Sequence[str] = ("-m", "node_agent")
) -> Node:
    """The same for callers that stop it themselves; a node belongs to no event loop, its clients do."""
    runtime = Path(tempfile.mkdtemp(prefix="rt", dir="/tmp"))  # short: a socket's path may have 107 bytes
    variables = {**os.environ, "RELAY_RUNTIME_DIR": str(runtime), "HOME": str(root), "PS1": "$ ", **(env or {})}
    variables.pop("RELAY_STATE_DIR", None)
    node = Node(root / "state", variables, runtime, agent_args)
    node.start_agent()
    try:
        await node.serving()
    except BaseException:  # cancelled, too: the caller has no node to stop
        await node.stop()
        raise
    return node
