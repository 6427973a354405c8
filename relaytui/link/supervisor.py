"""Keeps one node's link up: connects, notices silence, races a new connection, resumes events where they stopped.

Theory: a link is `connecting` until its first hello, then `connected`. After 3 s without a byte it is `stale`: the old
connection is kept, since it may only be slow, while new ones are tried beside it; whichever speaks first is the link.
So they are after 2 s without an answer to a ping, though the node be heard: what was typed may be stuck in a TCP that
backs off after losses. A connection that ends is `lost` and tried again every 0.8-1.3 s for ten minutes, then every
15 s. Of hanging tries two are kept: the oldest, which has the most chance on a slow network, and a fresh one, which is
up at once when the network is back. An error only the operator can mend makes it `waiting`: further tries would be
useless, or lock an account.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.errors import RequestError
from node_agent.protocol.files import FileOpened, GetFile, PutFile
from node_agent.protocol.ids import StoreId
from node_agent.protocol.message import Request
from node_agent.protocol.notices import FactsChanged, Notice
from node_agent.protocol.streams import OpenBytes
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.link.bulk import BulkLink
from relaytui.link.client import STALE_AFTER, NodeClient
from relaytui.link.doubt import Doubt
from relaytui.link.duplex import Connector, Duplex
from relaytui.link.errors import LinkError, LinkLost, NotConnected
from relaytui.link.pace import next_delay
from relaytui.link.prompts import Desk
from relaytui.link.resume import ByteFeed
from relaytui.link.streams import ByteStream
from relaytui.link.tasks import cancel, spawn
from relaytui.link.versions import is_older

_DOWNLOAD_WINDOW = 1024 * 1024
_MAX_TRIES = 2
_LOOK_EVERY = 0.1


class Cursor(NamedTuple):
    """The last event taken in: number `n` of a node's `store`."""

    store: StoreId
    n: int


class LinkListener(Protocol):
    """Who is told what a link learns. Calls must not block."""

    def link_status(self, node: str, status: NodeStatus) -> None: ...

    def link_up(self, node: str, client: NodeClient) -> None:
        """A connection is up and has said hello; streams must be opened anew."""

    def link_notice(self, node: str, notice: Notice) -> None: ...

    def link_event(self, node: str, record: EventRecord) -> None: ...


@dataclass
class LinkOptions:
    """What all links of one program share."""

    client: str = "console"
    operator: str = ""
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.Random)


class NodeLink:
    """One node's link, from `start` to `stop`."""

    def __init__(
        self,
        node: str,
        connector: Connector,
        listener: LinkListener,
        options: LinkOptions,
        *,
        desk: Desk | None = None,
        cursor: Cursor | None = None,
    ) -> None:
        self.node = node
        self.cursor = cursor
        self.client: NodeClient | None = None
        self.error: LinkError | None = None
        self._connector = connector
        self._listener = listener
        self._options = options
        self._desk = desk or Desk(node, None)
        self._clock = options.clock
        self._status = NodeStatus(NodeState.OFF, self._clock())
        self._retry = asyncio.Event()
        self._up = asyncio.Event()
        self._doubt = Doubt(self._clock, self._desk)
        self._last_try = float("-inf")
        self._bulk = BulkLink(self._open_bulk)
        self._task: asyncio.Task[None] | None = None
        self._subscribing: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    # For its owner ----------------------------------------------------------------------------------------------------

    @property
    def status(self) -> NodeStatus:
        return self._status

    def start(self) -> None:
        """Begin connecting; returns at once."""
        self._report(NodeState.CONNECTING, self._clock())
        self._task = spawn(self._run(), name=f"{self.node} link")

    async def stop(self) -> None:
        """End the link and all its connections."""
        self._desk.withdraw()
        await cancel(self._task, self._subscribing)
        await self._bulk.close()
        if self.client is not None:
            await self.client.close()
        await asyncio.gather(*self._closing)
        self._report(NodeState.OFF, self._clock())

    def retry(self) -> None:
        """Try again now, also where the link waits for the operator."""
        self._retry.set()

    async def renew(self) -> None:
        """Connect anew, so that the node says hello again."""
        if self.client is not None:
            await self.client.close()

    def nudge(self) -> None:
        """The operator is there: try again now, unless a try has just begun or only the operator's word would help."""
        if self._status.state is not NodeState.WAITING and self._clock() - self._last_try > 0.5:
            self._retry.set()

    def suspect(self) -> None:
        """The machine may have slept: believe in the connection only when it speaks again."""
        self._doubt.suspect()
        self.nudge()

    async def request(self, request: Request, timeout: float = 10.0) -> Any:
        """Make a request on the link. Raises NotConnected at once where there is none."""
        return await self._live().request(request, timeout)

    async def open_bytes(self, request: OpenBytes) -> ByteStream:
        """Open a session's output: attached on the interactive connection, anything else on the bulk one.

        Nothing waits behind a download there, so it gets a window that fills the link.
        """
        client = self._live()
        if request.mode != "attach":
            client = await self._bulk.client()
        if request.mode == "download":
            request = replace(request, window=max(request.window, _DOWNLOAD_WINDOW))
        return await client.open_bytes(request)

    async def open_file(self, request: GetFile | PutFile) -> tuple[FileOpened, ByteStream]:
        """Open a stream that carries a file, on the bulk connection."""
        self._live()
        return await (await self._bulk.client()).open_file(request)

    async def open_beside(self) -> Duplex:
        """One more stream to the agent on the connection there is, its preamble unread. Raises a LinkError."""
        client = self._live()
        if client.silence() > STALE_AFTER or client.open_beside is None:
            raise NotConnected(f"{self.node}: its link cannot be shared just now")
        return await client.open_beside()

    def feed(self, request: OpenBytes) -> ByteFeed:
        """A session's output over every cut."""
        return ByteFeed(self, request)

    async def wait_up(self) -> NodeClient:
        """The connection, waited for where there is none. Callers bound the wait, or have the operator to end it."""
        while self.client is None or self.client.is_closed:
            self._up.clear()
            await self._up.wait()
        return self.client

    def _live(self) -> NodeClient:
        if self.client is None or self.client.is_closed:
            raise NotConnected(f"{self.node}: {self._status.words(self._clock())}")
        return self.client

    # The loop ---------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        client = await self._race(None)
        while True:
            if client is not self.client:
                await self._adopt(client)
            await self._until_doubted(client)
            client = await self._race(client)

    async def _adopt(self, client: NodeClient) -> None:
        """Make `client` the link and have events go on where they stopped."""
        old, self.client = self.client, client
        if old is not None:
            self._close_soon(old.close(), "old connection")
        assert client.hello is not None
        store, known = client.hello.node.store, self.cursor
        if known is None:
            self.cursor = Cursor(store, client.hello.last_event)
        elif known.store != store:
            self.cursor = Cursor(store, 0)
        self._doubt.trust()
        self.error = None
        self._listener.link_up(self.node, client)
        self._report(NodeState.CONNECTED, self._clock())
        client.deliver(self._on_notice, self._on_event)
        self._up.set()
        await cancel(self._subscribing)
        self._subscribing = spawn(self._subscribe(client), name=f"{self.node} events")

    async def _subscribe(self, client: NodeClient) -> None:
        """Have events sent; a stall meanwhile is the supervisor's to judge, so the time limit is wide."""
        assert self.cursor is not None
        try:
            await client.subscribe(*self.cursor, timeout=60.0)
        except (LinkError, RequestError) as error:
            await client.close(LinkLost(f"{self.node}: events could not be resumed: {error}"))

    async def _until_doubted(self, client: NodeClient) -> None:
        """Return when the connection has ended, been silent too long, or may be stuck."""
        while not client.is_closed and (left := self._doubt.due_in(client)) > 0:
            await asyncio.wait([client.closed], timeout=min(left, 0.5))

    async def _race(self, old: NodeClient | None) -> NodeClient:
        """The connection to go on with: `old` if it speaks again, else the first new one to say hello."""
        tries: list[asyncio.Task[NodeClient]] = []
        down_since = old.last_heard if old else self._clock()
        due = self._clock()
        self._retry.clear()
        try:
            while True:
                may_speak = old is not None and not old.is_closed
                if old is not None and may_speak and old.last_heard > down_since and self._doubt.due_in(old) > 0:
                    if not self._needs_operator():
                        self.error = None  # of a try beside it, which is of no concern any more
                    self._report(NodeState.CONNECTED, self._status.since if self._status.is_live else self._clock())
                    return old
                due = self._start_due(tries, due, down_since)
                self._report_outage(old, down_since, due)
                pause = None if self._needs_operator() else max(_LOOK_EVERY, due - self._clock())
                await self._wait_for(tries, _LOOK_EVERY if may_speak else pause)
                for task in [task for task in tries if task.done()]:
                    tries.remove(task)
                    if (client := self._outcome(task)) is not None:
                        return client
        finally:
            self._close_soon(
                _abandon(tries), "given up"
            )  # and wait for none: the winner is nobody's until it is returned

    def _start_due(self, tries: list[asyncio.Task[NodeClient]], due: float, down_since: float) -> float:
        """Start a try if it is time; returns when the next is due."""
        now = self._clock()
        if self._retry.is_set():
            self._retry.clear()
            self.error = None
            due = now
        if now < due or self._desk.is_open or self._needs_operator():
            return due
        if len(tries) == _MAX_TRIES:
            self._close_soon(_abandon([tries.pop()]), "given up")
        self._last_try = now
        tries.append(spawn(self._connect(), name=f"{self.node} connect"))
        return now + next_delay(now - down_since, self._options.rng)

    async def _wait_for(self, tries: list[asyncio.Task[NodeClient]], pause: float | None) -> None:
        """Wait until a try ends, `pause` seconds have passed, or the operator wants to try again."""
        if tries:
            await asyncio.wait(tries, timeout=_LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
            return
        try:
            async with asyncio.timeout(pause):
                await self._retry.wait()
        except TimeoutError:
            pass

    def _outcome(self, task: asyncio.Task[NodeClient]) -> NodeClient | None:
        try:
            return task.result()
        except LinkError as error:
            self.error = error
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - this supervises tries: a bug in one, logged by `spawn`, ends it alone
            self.error = LinkLost(f"{self.node}: connecting failed: {error!r}; see the log")
        return None

    async def _connect(self) -> NodeClient:
        return await self._say_hello(await self._connector.open(), watch=True)

    async def _open_bulk(self) -> NodeClient:
        """On a login of its own, unless that would put the operator's questions a second time."""
        beside = self._live().open_beside
        duplex = await (beside() if self._desk.has_asked and beside else self._connector.open(bulk=True))
        return await self._say_hello(duplex, watch=False)

    async def _say_hello(self, duplex: Any, *, watch: bool) -> NodeClient:
        return await NodeClient.connect(
            duplex,
            node=self.node,
            client=self._options.client,
            operator=self._options.operator,
            watch=watch,
            clock=self._clock,
        )

    def _close_soon(self, closing: Coroutine[Any, Any, None], what: str) -> None:
        """Have something closed that is the link's no more; `stop` waits for it."""
        self._closing.add(task := spawn(closing, name=f"{self.node} {what}"))
        task.add_done_callback(self._closing.discard)

    # What it tells ----------------------------------------------------------------------------------------------------

    def _on_notice(self, notice: Notice) -> None:
        self._listener.link_notice(self.node, notice)
        if isinstance(notice, FactsChanged):
            self._report(self._status.state, self._status.since)  # brings a fresh round trip time along

    def _on_event(self, record: EventRecord) -> None:
        """Pass each event on once, whatever is sent again around a cut."""
        assert self.cursor is not None
        if record.n <= self.cursor.n:
            return
        self.cursor = Cursor(self.cursor.store, record.n)
        self._listener.link_event(self.node, record)

    def _needs_operator(self) -> bool:
        return self.error is not None and self.error.needs_operator

    def _report_outage(self, old: NodeClient | None, down_since: float, due: float) -> None:
        if old is not None and not old.is_closed and self._doubt.silent_in(old) > 0:
            return  # it is heard, whatever becomes of the tries beside it
        if self._needs_operator():
            self._report(NodeState.WAITING, down_since)
        elif old is None:
            self._report(NodeState.CONNECTING if self.error is None else NodeState.LOST, down_since, due)
        elif old.is_closed:
            self.error = self.error or old.closed.result()
            self._report(NodeState.LOST, down_since, due)
        else:
            self._report(NodeState.STALE, old.last_heard, due)

    def _report(self, state: NodeState, since: float, due: float | None = None) -> None:
        """Tell a status that differs from the last one told."""
        live = state is NodeState.CONNECTED and self.client is not None
        error = "" if live or self.error is None else str(self.error).removeprefix(f"{self.node}: ")
        if state is NodeState.STALE and not error:
            error = "no answer to ping"
        status = NodeStatus(
            state,
            since,
            error,
            self.error.exit_code if error and self.error else 0,
            due,
            self.client.rtt if live and self.client else None,
            _note(self.client) if live and self.client else "",
        )
        if status != self._status:
            self._status = status
            self._listener.link_status(self.node, status)


def _note(client: NodeClient) -> str:
    """What is worth knowing of a connection: an unusual way, an agent older than this program."""
    old = f"its agent is older than this program; `relaytui node upgrade {client.name}`"
    return ", ".join(filter(None, [client.note, old if is_older(client.node.agent.version) else ""]))


async def _abandon(tries: Sequence[asyncio.Task[NodeClient]]) -> None:
    """Cancel tries; one that has just succeeded is closed."""
    await cancel(*tries)
    for task in tries:
        if not task.cancelled() and task.exception() is None:
            await task.result().close()
