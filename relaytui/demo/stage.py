"""Starts the demo's nodes and sessions, and ends them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import uuid
from pathlib import Path

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import RequestError
from node_agent.protocol.sessions import KillSession, ListSessions, StartSession
from node_agent.protocol.states import SessionState
from node_agent.terminal.prefix import DEFAULT_PREFIX
from relaytui.config import Config, NodeConfig, Transport, UiConfig, save_config
from relaytui.demo.sessions import NODES, DemoSession, demo_sessions, notes_text
from relaytui.link.client import NodeClient
from relaytui.link.connect import open_node
from relaytui.link.errors import LinkError

_SIZE = (100, 30)
_START_SECONDS = 30.0
_END_SECONDS = 5.0
_LOOK_EVERY = 0.05
_ENDED = (SessionState.EXITED, SessionState.CLOSED, SessionState.LOST)


class Stage:
    """A temporary directory with everything of the demo in it: nodes' state and sockets, console's config and cache."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="relaytui-demo-"))
        self.env = {
            "RELAYTUI_CONFIG_DIR": str(self.directory / "config"),
            "RELAYTUI_CACHE_DIR": str(self.directory / "cache"),
            "RELAYTUI_STATE_DIR": str(self.directory / "console"),
            "RELAY_RUNTIME_DIR": str(self.directory / "run"),
        }
        os.environ.update(self.env)  # the agents are started from this process
        nodes = [
            NodeConfig(alias, transport=Transport.UNIX, state=str(self.directory / alias), tags=tags)
            for alias, tags in NODES.items()
        ]
        self.config = Config(nodes=tuple(nodes), ui=UiConfig(prefix=DEFAULT_PREFIX))
        self._pids: dict[str, tuple[int, int]] = {}  # keeper and agent as last seen

    async def set(self) -> None:
        """Start nodes and sessions; raises LinkError or RequestError."""
        save_config(self.config)
        notes = self.directory / "notes.txt"
        notes.write_text(notes_text(), "utf-8")
        sessions = demo_sessions(str(notes))
        await asyncio.gather(
            *(self._start(node, [item for item in sessions if item.node == node.alias]) for node in self.config.nodes)
        )

    async def strike(self) -> None:
        """End all sessions, keepers and agents, and remove the directory. Raises nothing."""
        await asyncio.gather(*(self._end_sessions(node) for node in self.config.nodes if node.alias in self._pids))
        pids = {pid for pair in self._pids.values() for pid in pair}
        pids |= _processes_naming(self.directory)  # a start that was interrupted is not remembered
        for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, since each would start the other again
            for pid in pids:
                _signal(pid, number)
        for pid in pids:
            await _until_gone(pid)
        shutil.rmtree(self.directory, ignore_errors=True)

    async def _start(self, node: NodeConfig, sessions: list[DemoSession]) -> None:
        async with open_node(node, operator=self.config.operator, timeout=_START_SECONDS) as client:
            self._remember(node.alias, client)
            for item in sessions:
                columns, rows = _SIZE
                request = StartSession(
                    request=str(uuid.uuid4()),
                    command=item.command,
                    base_env=dict(os.environ),
                    columns=columns,
                    rows=rows,
                    title=item.title,
                    tags=item.tags,
                )
                await client.request(request, timeout=_START_SECONDS)

    async def _end_sessions(self, node: NodeConfig) -> None:
        """Kill what runs on a node, the sessions the operator started included."""
        try:
            async with open_node(node, operator=self.config.operator, timeout=_END_SECONDS) as client:
                self._remember(node.alias, client)
                async with asyncio.timeout(_END_SECONDS):
                    while running := [item for item in await _sessions(client) if item.state not in _ENDED]:
                        for item in running:
                            await client.request(KillSession(item.id))
                        await asyncio.sleep(_LOOK_EVERY)
        except (LinkError, RequestError, TimeoutError):
            pass  # the keeper's end closes their terminals

    def _remember(self, alias: str, client: NodeClient) -> None:
        self._pids[alias] = (client.node.keeper.pid, client.node.agent.pid)


async def _sessions(client: NodeClient) -> tuple[SessionInfo, ...]:
    sessions: tuple[SessionInfo, ...] = (await client.request(ListSessions())).sessions
    return sessions


def _processes_naming(directory: Path) -> set[int]:
    """Processes with `directory` in their command line, where the system lets us look."""
    wanted = os.fsencode(directory)
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


async def _until_gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            while _is_alive(pid):  # noqa: ASYNC110 - a process that is not our child has no event
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        pass


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one whose new parent is slow to reap it does not (proc(5), stat)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return True  # no /proc here
