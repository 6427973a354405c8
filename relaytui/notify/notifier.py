"""Sends the alerts of all nodes through the operator's channels, each claimed on its node before it is sent.

Any number of notifiers, in hubs and consoles, make one: the node gives a claim to one of them at a time. One that dies
after its claim leaves the alert to the next, or to the node itself, when the claim has expired. What a node cannot tell
of itself, that it is lost and back, is raised on a node that can be reached, under a key all notifiers agree on.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from node_agent.protocol.alerts import AlertClaim, AlertList, ClaimAlert, ListAlerts, RaiseAlert, ReportAlert
from node_agent.protocol.delivery import Sent
from node_agent.protocol.entities import Alert
from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.states import AlertKind, Severity
from relaytui.config.models import ChannelConfig
from relaytui.fleet.changes import AlertReported, Change, NodeChanged
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState
from relaytui.fleet.views import NodeView, SessionView
from relaytui.link.errors import LinkError
from relaytui.link.tasks import cancel, spawn
from relaytui.notify.channels import TERMINAL_KINDS, TerminalWrite, can_send, send
from relaytui.notify.copies import bring_up_to_date, copies_of
from relaytui.notify.message import Message, Raised, cleaned, messages
from relaytui.notify.routing import wait

LOST_AFTER = 60.0
"""Seconds of silence after which a node's loss is worth an alert: shorter cuts mend themselves."""

SETTLE = 0.2
"""Seconds in which alerts that come together are told together."""

_LOOK_EVERY = 5.0
_RETRY = 2.0
_REQUEST_SECONDS = 5.0

_log = logging.getLogger(__name__)

Looking = Callable[[str, SessionId], bool]
Deliver = Callable[[ChannelConfig, Message], Awaitable[Sent]]


class Source(Protocol):
    """What a notifier needs of a core."""

    @property
    def fleet(self) -> Fleet: ...

    def now(self) -> float: ...

    def subscribe(self, callback: Callable[[list[Change]], None]) -> Callable[[], None]: ...

    async def request(self, node: str, request: Request, timeout: float = 10.0) -> Any: ...


@dataclass(frozen=True)
class _Known:
    """An open alert and when its node described it, by our clock."""

    alert: Alert
    seen: float


class Notifier:
    """Runs from `start` to `stop`.

    `has_terminal` tells whether `write` would write just now: what needs the terminal is left to others meanwhile.
    `looking` tells whether the operator has a session before their eyes.
    """

    def __init__(
        self,
        source: Source,
        channels: Sequence[ChannelConfig],
        *,
        write: TerminalWrite | None = None,
        has_terminal: Callable[[], bool] = lambda: True,
        looking: Looking = lambda node, session: False,
        deliver: Deliver | None = None,
        lost_after: float = LOST_AFTER,
    ) -> None:
        self.sender = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:6]}"
        self._source = source
        self._copies = copies_of(channels)
        self._channels = [channel for channel in channels if can_send(channel, has_terminal=write is not None)]
        self._has_terminal = has_terminal
        self._looking = looking
        self._deliver: Deliver = deliver or partial(_send_through, write)
        self._lost_after = lost_after
        self._known: dict[tuple[str, str], _Known] = {}
        self._not_before: dict[tuple[str, str, str], float] = {}  # node, key, channel
        self._unreported: dict[str, list[ReportAlert]] = {}  # by node: what came of claims, and did not get through
        self._live: set[str] = set()
        self._lost: dict[str, str] = {}  # the alias of each node told to be lost, and the key that was told
        self._news = {channel.name: asyncio.Event() for channel in self._channels}
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._unsubscribe = self._source.subscribe(self._note)
        self._tasks = [spawn(self._run(channel), name=f"channel {channel.name}") for channel in self._channels]
        self._tasks.append(spawn(self._watch_nodes(), name="node alerts"))
        for alias in self._source.fleet.nodes:
            self._note_node(alias)

    async def stop(self) -> None:
        """End; what was claimed and not sent is sent by whoever is left."""
        self._unsubscribe()
        await cancel(*self._tasks)

    # What there is to tell --------------------------------------------------------------------------------------------

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, AlertReported):
                self._learn(change.node, cleaned(change.alert))
            elif isinstance(change, NodeChanged):
                self._note_node(change.node)

    def _note_node(self, alias: str) -> None:
        node = self._source.fleet.nodes.get(alias)
        if node is None or not node.status.is_live or node.duplicate_of:
            self._live.discard(alias)
        elif alias not in self._live:
            self._live.add(alias)
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(spawn(self._catch_up(alias), name=f"alerts of {alias}"))

    async def _catch_up(self, alias: str) -> None:
        """Bring a node that has just been connected up to date, and learn what is open there."""
        after, found = 0, set()
        try:
            for report in self._unreported.pop(alias, []):
                await self._store(alias, report)
            await self._bring_copies(alias)
            while True:
                reply: AlertList = await self._source.request(alias, ListAlerts(after, only_open=True))
                for alert in map(cleaned, reply.alerts):
                    found.add(alert.key)
                    self._learn(alias, alert)
                if not reply.alerts:
                    break
                after = reply.alerts[-1].n
        except (LinkError, RequestError) as error:
            _log.info("alerts of %s: %s", alias, error)
            self._live.discard(alias)  # the next change of the node tries again
            return
        for node, key in [known for known in self._known if known[0] == alias and known[1] not in found]:
            if self._known[node, key].alert.n <= after:
                del self._known[node, key]

    async def _bring_copies(self, alias: str) -> None:
        """Have the node know the channels it may use; one that takes none of them has its alerts sent all the same."""
        try:
            if await bring_up_to_date(partial(self._source.request, alias), self._copies):
                _log.info("%s has the channels it sends through by itself", alias)
        except RequestError as error:
            _log.warning("%s does not take its channels: %s", alias, error)

    def _learn(self, alias: str, alert: Alert) -> None:
        if alert.is_open:
            self._known[alias, alert.key] = _Known(alert, self._source.now())
        else:
            self._known.pop((alias, alert.key), None)
        for place in [place for place in self._not_before if place[:2] == (alias, alert.key)]:
            if not alert.is_open or self._not_before[place] == float("inf"):
                del self._not_before[place]
        for event in self._news.values():
            event.set()

    # Sending ----------------------------------------------------------------------------------------------------------

    async def _run(self, channel: ChannelConfig) -> None:
        news = self._news[channel.name]
        while True:
            news.clear()
            due, pause = self._due(channel)
            if due:
                await asyncio.sleep(SETTLE)
                await self._send(channel, self._due(channel)[0])
                continue
            try:
                async with asyncio.timeout(pause):
                    await news.wait()
            except TimeoutError:
                pass

    def _due(self, channel: ChannelConfig) -> tuple[list[Raised], float]:
        """What may be claimed now, oldest first, and the seconds until there may be more."""
        now, due, pause = self._source.now(), [], _LOOK_EVERY
        if channel.kind in TERMINAL_KINDS and not self._has_terminal():
            return [], pause
        for (alias, key), known in sorted(self._known.items(), key=lambda item: item[1].seen - item[1].alert.age):
            if alias not in self._live:
                continue
            left = wait(channel, known.alert, now - known.seen)
            if left is None or (known.alert.session and self._looking(alias, known.alert.session)):
                continue
            left = max(left, self._not_before.get((alias, key, channel.name), now) - now)
            if left > 0:
                pause = min(pause, left)
            else:
                due.append(Raised(alias, known.alert))
        return due, pause

    async def _send(self, channel: ChannelConfig, due: Sequence[Raised]) -> None:
        claims = await asyncio.gather(*(self._claim(channel, raised) for raised in due))
        tokens = {(raised.node, raised.alert.key): token for raised, token in zip(due, claims, strict=True) if token}
        told = messages([raised for raised in due if (raised.node, raised.alert.key) in tokens])
        # At once: a claim would lapse while another one's message takes all the time it has.
        await asyncio.gather(*(self._send_one(channel, message, tokens) for message in told))

    async def _send_one(self, channel: ChannelConfig, message: Message, tokens: dict[tuple[str, str], int]) -> None:
        sent = await self._deliver(channel, message)
        _log.info("alert %s through %s: %s", message.key, channel.name, sent.detail)
        detail = f"{sent.detail}, {len(message.raised)} alerts as one" if len(message.raised) > 1 else sent.detail
        await asyncio.gather(
            *(
                self._report(raised, channel, tokens[raised.node, raised.alert.key], sent.is_sent, detail)
                for raised in message.raised
            )
        )

    async def _claim(self, channel: ChannelConfig, raised: Raised) -> int:
        """The claim's token, 0 where it is somebody else's or not to be had."""
        place = (raised.node, raised.alert.key, channel.name)
        try:
            request = ClaimAlert(raised.alert.key, channel.name, self.sender)
            claim: AlertClaim = await self._source.request(raised.node, request, _REQUEST_SECONDS)
        except (LinkError, RequestError) as error:
            _log.info("alert %s cannot be claimed: %s", raised.alert.key, error)
            self._not_before[place] = self._source.now() + _RETRY
            return 0
        if not claim.token:
            # Without a time there is nothing to wait for but a change, which the node tells.
            self._not_before[place] = self._source.now() + (claim.until or float("inf"))
        return claim.token

    async def _report(self, raised: Raised, channel: ChannelConfig, token: int, is_sent: bool, detail: str) -> None:
        place = (raised.node, raised.alert.key, channel.name)
        self._not_before[place] = self._source.now() + (float("inf") if is_sent else _RETRY)
        await self._store(raised.node, ReportAlert(raised.alert.key, channel.name, token, is_sent, detail))

    async def _store(self, alias: str, report: ReportAlert) -> None:
        """Store what came of a claim; where the link is down, when it is up again, so that nobody sends it twice."""
        try:
            await self._source.request(alias, report, _REQUEST_SECONDS)
        except LinkError as error:
            _log.info("what came of alert %s is reported later: %s", report.key, error)
            self._unreported.setdefault(alias, []).append(report)
        except RequestError as error:
            _log.info("what came of alert %s is not stored: %s", report.key, error)

    # Nodes that are lost ----------------------------------------------------------------------------------------------

    async def _watch_nodes(self) -> None:
        while True:
            for alias, node in list(self._source.fleet.nodes.items()):
                await self._look_at(alias, node)
            await asyncio.sleep(min(1.0, self._lost_after / 4))

    async def _look_at(self, alias: str, node: NodeView) -> None:
        if node.info is None or node.duplicate_of:
            return
        silence = self._source.now() - node.status.since
        if node.status.is_live and alias in self._lost:
            title = f"{alias} is back"
            if await self._raise(alias, f"{self._lost[alias]}/back", AlertKind.NODE_BACK, title, "", Severity.LOW):
                del self._lost[alias]
        elif node.status.state in (NodeState.STALE, NodeState.LOST) and silence >= self._lost_after:
            reporter = self._reporter(alias)
            if alias in self._lost or reporter is None:
                return
            sessions = self._source.fleet.sessions_of(alias)
            title = f"{alias} is lost" + (f" with {len(sessions)} sessions" if sessions else "")
            key = _loss_key(node, sessions)
            words = node.status.words(self._source.now())
            if await self._raise(reporter, key, AlertKind.NODE_LOST, title, words, Severity.NORMAL):
                self._lost[alias] = key

    def _reporter(self, lost: str) -> str | None:
        """The node that keeps the alert of a lost one: the same for all notifiers that reach the same nodes."""
        live = [node for node in self._source.fleet.nodes.values() if node.status.is_live and node.alias != lost]
        known = [(node.info.uuid, node.alias) for node in live if node.info is not None and not node.duplicate_of]
        return min(known)[1] if known else None

    async def _raise(self, node: str, key: str, kind: AlertKind, title: str, body: str, severity: Severity) -> bool:
        try:
            await self._source.request(node, RaiseAlert(key, kind, title, body, severity), _REQUEST_SECONDS)
        except (LinkError, RequestError) as error:
            _log.info("%s cannot be raised on %s: %s", kind.value, node, error)
            return False
        return True


def _loss_key(node: NodeView, sessions: Sequence[SessionView]) -> str:
    """One key for one loss, whoever notices: what all notifiers last heard of the node."""
    assert node.info is not None
    heads = ",".join(f"{view.info.id}:{view.info.head}" for view in sessions)
    return f"lost/{node.info.uuid}/{hashlib.sha256(f'{node.info.epoch} {heads}'.encode()).hexdigest()[:16]}"


async def _send_through(write: TerminalWrite | None, channel: ChannelConfig, message: Message) -> Sent:
    return await send(channel, message, write)
