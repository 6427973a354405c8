"""The console without a screen: config → links → fleet. Console and hub use nothing below this.

Everything runs on one event loop; callbacks are called there and must not block.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from node_agent.protocol.entities import EventRecord
from node_agent.protocol.errors import RemoteProtocolError, RequestError
from node_agent.protocol.files import FileOpened, GetFile, PutFile
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.notices import Notice, SettingsChanged
from node_agent.protocol.settings import GetSettings, NodeSettings
from node_agent.protocol.streams import OpenBytes
from relaytui.config import Config, NodeConfig
from relaytui.config.paths import pictures_dir
from relaytui.fleet.changes import (
    CacheLoaded,
    Change,
    DeltaReceived,
    EventReceived,
    FleetInput,
    HelloReceived,
    NoticeReceived,
    SessionGone,
    StatusReported,
)
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.hub.cache import Cache, CachedNode, aged
from relaytui.hub.upgrades import Upgrades
from relaytui.hub.watches import Watches
from relaytui.link.client import NodeClient
from relaytui.link.connect import Gates, connector_for
from relaytui.link.duplex import Connector, Duplex
from relaytui.link.errors import AgentTooOld, HostKeyUnknown, LinkError, NotConnected
from relaytui.link.prompts import Desk, Prompter
from relaytui.link.resume import ByteFeed
from relaytui.link.streams import ByteStream
from relaytui.link.supervisor import LinkOptions, NodeLink
from relaytui.link.tasks import cancel, spawn
from relaytui.link.versions import is_older

_SAVE_EVERY = 5.0
_LOOK_EVERY = 1.0
_JUMP = 2.0
"""Seconds by which wall clock and monotonic clock must part to tell that the machine slept."""

_log = logging.getLogger(__name__)

Connect = Callable[[NodeConfig, Desk, Gates], Connector]


class Core:
    """All links of one operator and the fleet they make.

    `fleet` may be read at any time and changes only on the loop; `subscribe` tells of each change.
    """

    def __init__(
        self,
        config: Config,
        *,
        client: str = "console",
        prompter: Prompter | None = None,
        cache: Path | None = None,
        connect: Connect = connector_for,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self._clock = clock
        self.fleet = Fleet(clock())
        self._options = LinkOptions(client=client, operator=config.operator, clock=clock)
        self._prompter = prompter
        self._cache = Cache(cache or pictures_dir())
        self._connect = connect
        self._gates = Gates()
        self._upgrades = Upgrades(config.operator, prompter)
        self._configs: dict[str, NodeConfig] = {}
        self._links: dict[str, NodeLink] = {}
        self._watches: dict[str, Watches] = {}
        self._callbacks: list[Callable[[list[Change]], None]] = []
        self._unsaved: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def now(self) -> float:
        """The monotonic seconds the fleet's ages are counted in."""
        return self._clock()

    # Life -------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Show what the cache knows and begin connecting; returns without waiting for any node."""
        for node in self.config.nodes:
            self.add_node(node)
        self._tasks = [spawn(self._keep_saving(), name="cache"), spawn(self._watch_clock(), name="clock")]

    async def stop(self) -> None:
        """End all links; sessions go on."""
        await cancel(*self._tasks)
        await self._upgrades.stop()
        await asyncio.gather(*(watches.stop() for watches in self._watches.values()))
        await asyncio.gather(*(link.stop() for link in self._links.values()))
        await self._save()

    def add_node(self, node: NodeConfig) -> None:
        """Connect to one more node."""
        self.fleet.add_node(node.alias, node.tags)
        kept = self._cache.load(node.alias)
        if kept is not None:
            self._apply(CacheLoaded(node.alias, kept.hello))
            for session, screen in kept.screens.items():
                self.fleet.restore_screen(SessionKey(node.alias, session), screen)
        desk = Desk(node.alias, self._prompter)
        link = NodeLink(
            node.alias,
            self._connect(node, desk, self._gates),
            self,
            self._options,
            desk=desk,
            cursor=kept.cursor if kept else None,
        )
        self._links[node.alias] = link
        self._configs[node.alias] = node
        self._watches[node.alias] = Watches(node.alias, partial(self._on_delta, node.alias))
        link.start()

    async def remove_node(self, alias: str) -> None:
        """End the link and forget what was known; the node's sessions go on."""
        await self._watches.pop(alias).stop()
        await self._links.pop(alias).stop()
        twins = self.fleet.hidden_behind(alias)
        self._cache.forget(alias)
        self._unsaved.discard(alias)
        self._tell(self.fleet.remove_node(alias))
        for twin in twins:
            await self._links[twin].renew()

    # For console and hub ----------------------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[list[Change]], None]) -> Callable[[], None]:
        """Have `callback` called with the changes of each input, in order; returns what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def link(self, alias: str) -> NodeLink:
        """The link of a node; raises NotConnected for one that is not configured."""
        try:
            return self._links[alias]
        except KeyError:
            raise NotConnected(f"{alias}: no such node; `relaytui node add` adds one") from None

    async def request(self, node: str, request: Request, timeout: float = 10.0) -> Any:
        """Make a request of a node; the reply is of the class `request.reply`. Raises RequestError or a LinkError."""
        return await self.link(node).request(request, timeout)

    def watch(self, key: SessionKey, interval: float = 0.1) -> None:
        """Keep a session's screen up to date in the fleet, over every cut, until `unwatch`."""
        self._watches[key.node].want(key.id, interval)

    def tune(self, key: SessionKey, interval: float) -> None:
        """Change the pace of a watched screen: 0 for the focused tile."""
        self._watches[key.node].want(key.id, interval)

    def unwatch(self, key: SessionKey) -> None:
        if key.node in self._watches:
            self._watches[key.node].unwant(key.id)

    async def open_bytes(self, key: SessionKey, mode: str, **options: Any) -> ByteStream:
        """Open a session's output on the present link; `mode` and `options` are those of `OpenBytes`.

        The stream ends with the link: LinkLost is raised from it, and its `offset` is where to open the next one.
        """
        return await self.link(key.node).open_bytes(OpenBytes(key.id, mode, **options))

    async def open_file(self, alias: str, request: GetFile | PutFile) -> tuple[FileOpened, ByteStream]:
        """Open a stream that carries a file of a job's attempt. Raises RequestError or a LinkError."""
        return await self.link(alias).open_file(request)

    def feed(self, key: SessionKey, mode: str, **options: Any) -> ByteFeed:
        """A session's output over every cut, the cuts told; `mode` and `options` are those of `OpenBytes`."""
        return self.link(key.node).feed(OpenBytes(key.id, mode, **options))

    async def open_beside(self, alias: str) -> Duplex:
        """One more stream to a node's agent on the link there is, for somebody else to speak. Raises a LinkError."""
        return await self.link(alias).open_beside()

    def retry(self, alias: str) -> None:
        """Try to connect now, also where the link waits for the operator."""
        self.link(alias).retry()

    def nudge(self) -> None:
        """The operator pressed a key: nodes that are lost are tried at once."""
        for link in self._links.values():
            if link.status.state in (NodeState.LOST, NodeState.STALE):
                link.nudge()

    def host_key_question(self, alias: str) -> HostKeyUnknown | None:
        """The unknown host key the node's link waits for a decision on, if it does."""
        error = self.link(alias).error
        return error if isinstance(error, HostKeyUnknown) else None

    async def accept_host_key(self, alias: str) -> None:
        """Store the host key in question, the operator having said yes to its fingerprint, and connect."""
        from relaytui.link.hostkeys import accept

        question = self.host_key_question(alias)
        if question is not None:
            await asyncio.to_thread(accept, question)
            self.retry(alias)

    # From the links ---------------------------------------------------------------------------------------------------

    def link_status(self, node: str, status: NodeStatus) -> None:
        self._apply(StatusReported(node, status))
        if status.exit_code == AgentTooOld.exit_code:
            self._found_older(node)

    def link_up(self, node: str, client: NodeClient) -> None:
        assert client.hello is not None
        self._apply(HelloReceived(node, client.hello))
        if is_older(client.node.agent.version):
            self._found_older(node)
        self._watches[node].link_up(client)
        spawn(self._learn_settings(node, client), name=f"settings of {node}")

    def link_notice(self, node: str, notice: Notice) -> None:
        self._apply(NoticeReceived(node, notice))

    def link_event(self, node: str, record: EventRecord) -> None:
        self._apply(EventReceived(node, record))

    def _found_older(self, node: str) -> None:
        self._upgrades.found_older(self._configs[node], self._links[node].retry)

    async def _learn_settings(self, node: str, client: NodeClient) -> None:
        """Ask for the settings as they are now; from here on the node tells of each change."""
        try:
            settings: NodeSettings = await client.request(GetSettings())
        except (RequestError, LinkError):
            return
        if node in self._links:
            self._apply(NoticeReceived(node, SettingsChanged(settings)))

    def _on_delta(self, alias: str, session: SessionId, delta: dict[str, Any]) -> None:
        try:
            self._apply(DeltaReceived(SessionKey(alias, session), delta))
        except ValueError as error:
            raise RemoteProtocolError(str(error)) from error

    def _apply(self, item: FleetInput) -> None:
        changes = self.fleet.apply(item, self._clock())
        if not isinstance(item, CacheLoaded | StatusReported):
            self._unsaved.add(item.key.node if isinstance(item, DeltaReceived) else item.node)
        self._tell(changes)

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, SessionGone):
                self.unwatch(change.key)
        if changes:
            for callback in list(self._callbacks):
                try:
                    callback(changes)
                except Exception:  # noqa: BLE001 - this supervises subscribers: a bug in one must not end a node's link
                    _log.exception("a subscriber failed")

    # Beside them ------------------------------------------------------------------------------------------------------

    async def _watch_clock(self) -> None:
        """Notice that the machine slept, and doubt every connection then."""
        wall, steady = time.time(), self._clock()
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            jumped = abs((time.time() - wall) - (self._clock() - steady)) > _JUMP
            late = self._clock() - steady > _LOOK_EVERY + _JUMP
            wall, steady = time.time(), self._clock()
            if jumped or late:
                for link in self._links.values():
                    link.suspect()

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            await self._save()

    async def _save(self) -> None:
        """Keep the picture of each node that changed, written by a thread."""
        for alias in list(self._unsaved):
            self._unsaved.discard(alias)
            kept = self._picture(alias)
            if kept is not None:
                await asyncio.to_thread(self._cache.store, alias, self._cache.encode(kept))

    def _picture(self, alias: str) -> CachedNode | None:
        node = self.fleet.nodes.get(alias)
        if node is None or node.info is None or node.duplicate_of:
            return None
        now = self._clock()
        views = self.fleet.sessions_of(alias)
        sessions = tuple(aged(view.info, now - view.seen) for view in views)
        screens = {view.key.id: screen for view in views if (screen := self.fleet.screen(view.key)) is not None}
        cursor = self._links[alias].cursor
        asks = tuple(replace(view.ask, age=view.age(now)) for view in self.fleet.loose_asks_of(alias))
        hello = HelloReply(node.info, sessions, cursor.n if cursor else 0, node.facts, asks)
        return CachedNode(hello, cursor, screens)
