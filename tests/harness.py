"""A real node for tests: agent and keeper as processes in a directory of their own, and a plain client to speak with.

    async with running_node(tmp_path) as node:
        client = await node.connect()
        session = await client.start("bash", "-c", "echo hi")
        await client.until(lambda: "hi" in client.text(session.id))

Everything waits for facts with a time limit, and leaving the `with` ends every process the node started.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from node_agent.io.keeper_client import KeeperClient, KeeperGone
from node_agent.io.paths import NodePaths, node_paths
from node_agent.io.start import is_serving
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import EventRecord, ExitInfo, SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_frame, encode_json
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.notices import Notice, SessionChanged, SessionGone, parse_notice
from node_agent.protocol.requests import (
    Hello,
    HelloReply,
    OpenBytes,
    Request,
    SessionReply,
    StartSession,
    StreamOpened,
    Subscribe,
    Subscribed,
    WatchScreen,
)
from node_agent.protocol.version import PreambleReader, preamble
from node_agent.terminal.delta import ScreenModel, apply_delta
from tests.processes import end_processes_of

T = TypeVar("T")
NEWEST = 1 << 40
"""An agent epoch that no agent reaches: whoever has it may end the keeper."""

LIMIT = 15.0
"""Seconds a fact may take to come true on a busy machine."""

_requests = itertools.count(1)


async def eventually(fact: Callable[[], T], limit: float = LIMIT) -> T:
    """What `fact` returns once it is true; for facts outside any client, which are polled."""
    deadline = asyncio.get_running_loop().time() + limit
    while not (found := fact()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {limit} s: {fact}"
        await asyncio.sleep(0.01)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Node:
    """One node: `root` is its state root, `python` the interpreter its agent runs under."""

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


class Stream:
    """What came on one stream: its frames, and the bytes of them that make a terminal's input."""

    def __init__(self, opened: StreamOpened) -> None:
        self.number = opened.stream
        self.opened = opened
        self.frames: list[Frame] = []
        self.screen = ScreenModel()
        self.end: str | None = None

    def of(self, kind: FrameType) -> list[Frame]:
        return [frame for frame in self.frames if frame.type is kind]

    @property
    def data(self) -> bytes:
        """The journal's bytes that were sent."""
        return b"".join(frame.payload for frame in self.of(FrameType.BYTES))

    @property
    def text(self) -> str:
        """The watched screen as text."""
        return "\n".join("".join(str(span[0]) for span in row) for row in self.screen.rows).rstrip()


class Client:
    """A client as plain as can be. Frames of streams are acked as they come unless `acks` is False."""

    def __init__(self) -> None:
        self.acks = True
        self.node: HelloReply | None = None
        self.sessions: dict[SessionId, SessionInfo] = {}
        self.notices: list[Notice] = []
        self.events: list[EventRecord] = []
        self.streams: dict[int, Stream] = {}
        self.input_acks: dict[tuple[int, int], dict[str, Any]] = {}
        self.is_closed = False
        self._early: dict[int, list[Frame]] = {}
        self._replies: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self, socket: Path) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(str(socket))
        self._writer.write(preamble())
        self._task = asyncio.create_task(self._read())

    def stop_reading(self) -> None:
        """Stay connected and take nothing more."""
        assert self._task is not None
        self._task.cancel()

    async def close(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        await asyncio.sleep(0)  # a transport that had failed lets go of its socket one turn later

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def until(self, fact: Callable[[], T | None], limit: float = LIMIT) -> T:
        """What `fact` returns once it is true; looked at whenever something came."""
        deadline = asyncio.get_running_loop().time() + limit
        while not (found := fact()):
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, f"not within {limit} s"
            self._news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 0.5))
        return found

    # -- requests -------------------------------------------------------------------------------------------------

    async def request(self, request: Request, limit: float = LIMIT) -> Any:
        """The typed reply; raises RequestError as the node refused it."""
        frame = await self.raw_request({"op": request.op, **to_wire(request)}, limit)
        body = frame.json()
        if frame.type is FrameType.REFUSAL:
            raise RequestError(ErrorCode(body["code"]), body["message"])
        return from_wire(request.reply, body)

    async def raw_request(self, body: dict[str, Any], limit: float = LIMIT) -> Frame:
        self._last += 1
        number = self._last
        self._replies[number] = asyncio.get_running_loop().create_future()
        self.write(encode_json(FrameType.REQUEST, body, number=number))
        return await asyncio.wait_for(self._replies[number], limit)

    async def hello(self, operator: str = "ann", *, watch: bool = True) -> HelloReply:
        reply: HelloReply = await self.request(Hello("test", operator, "0", watch))
        self.node = reply
        self.sessions = {session.id: session for session in reply.sessions} | self.sessions
        return reply

    @property
    def last_event(self) -> int:
        """The number of the last event when the node was greeted."""
        assert self.node is not None
        return self.node.last_event

    async def start(self, *command: str, **options: Any) -> SessionInfo:
        """Start a session, bare unless told otherwise."""
        options.setdefault("bare", True)
        options.setdefault("request", f"test {os.getpid()} {next(_requests)}")
        reply: SessionReply = await self.request(StartSession(command=command, **options))
        self.sessions[reply.session.id] = reply.session
        return reply.session

    async def ended(self, session: SessionId) -> ExitInfo:
        """Wait until a session has ended; how."""
        return await self.until(lambda: self.sessions[session].exit)

    async def subscribe(self, store: str = "", after: int = 0) -> Subscribed:
        reply: Subscribed = await self.request(Subscribe(StoreId(store), after))
        return reply

    async def watch(self, session: SessionId, interval: float = 0.0, history: int = 0) -> Stream:
        return self.opened(await self.request(WatchScreen(session, interval, history)))

    async def open_bytes(self, session: SessionId, mode: str, **options: Any) -> Stream:
        return self.opened(await self.request(OpenBytes(session, mode, **options)))

    def type(self, stream: Stream, number: int, data: bytes) -> None:
        """Input number `number` of an attached stream."""
        self.write(encode_frame(FrameType.INPUT, stream.number, number, data))

    def end(self, stream: Stream) -> None:
        """Close a stream from this side."""
        self.write(encode_json(FrameType.STREAM_END, {"reason": "done"}, stream.number))

    def ack(self, stream: Stream, number: int) -> None:
        self.write(encode_frame(FrameType.ACK, stream.number, number))

    def opened(self, opened: StreamOpened) -> Stream:
        """The stream that a reply has opened."""
        stream = self.streams[opened.stream] = Stream(opened)
        for frame in self._early.pop(stream.number, []):
            self._take_stream(frame)
        return stream

    async def _read(self) -> None:
        greeting, decoder = PreambleReader(), FrameDecoder()
        has_greeted = False
        try:
            while data := await self._reader.read(256 * 1024):
                if not has_greeted:
                    if greeting.feed(data) is None:
                        continue
                    has_greeted, data = True, greeting.rest
                for frame in decoder.feed(data):
                    self._take(frame)
                self._news.set()
        except OSError:
            pass
        self.is_closed = True
        self._news.set()

    def _take(self, frame: Frame) -> None:
        if frame.type in (FrameType.REPLY, FrameType.REFUSAL):
            reply = self._replies.pop(frame.number)
            if not reply.done():
                reply.set_result(frame)
        elif frame.type is FrameType.EVENT:
            self.events.append(from_wire(EventRecord, frame.json()))
        elif frame.type is FrameType.NOTICE:
            self._take_notice(parse_notice(frame.json()))
        elif frame.type is FrameType.PING:
            self.write(encode_frame(FrameType.PONG, number=frame.number))
        elif frame.type is FrameType.INPUT_ACK:
            self.input_acks[frame.stream, frame.number] = frame.json()
        elif frame.stream:
            self._take_stream(frame)

    def _take_notice(self, notice: Notice | None) -> None:
        if notice is None:
            return
        self.notices.append(notice)
        if isinstance(notice, SessionChanged):
            self.sessions[notice.session.id] = notice.session
        elif isinstance(notice, SessionGone):
            self.sessions.pop(notice.session, None)

    def _take_stream(self, frame: Frame) -> None:
        stream = self.streams.get(frame.stream)
        if stream is None:
            self._early.setdefault(frame.stream, []).append(frame)
            return
        stream.frames.append(frame)
        if frame.type is FrameType.SCREEN:
            stream.screen = apply_delta(stream.screen, frame.json())
        elif frame.type is FrameType.STREAM_END:
            stream.end = str(frame.json().get("reason"))
        if self.acks and frame.type in (FrameType.SCREEN, FrameType.SNAPSHOT, FrameType.BYTES):
            end = frame.number + len(frame.payload) if frame.type is FrameType.BYTES else frame.number
            self.ack(stream, end)
