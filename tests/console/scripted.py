"""A fleet that does what a test says: no node, no link, no clock but ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from node_agent.protocol.entities import (
    AskInfo,
    AskOption,
    ExitInfo,
    LeaseInfo,
    NodeFacts,
    NodeInfo,
    ProcessInfo,
    SessionInfo,
)
from node_agent.protocol.hello import HelloReply
from node_agent.protocol.ids import AskId, NodeUuid, SessionId, StoreId
from node_agent.protocol.message import Request
from node_agent.protocol.notices import AskChanged, SessionChanged, SessionGone, SettingsChanged
from node_agent.protocol.settings import NodeSettings, SetSettings
from node_agent.protocol.states import AskKind, Attention, SessionState
from relaytui.fleet.changes import Change, DeltaReceived, HelloReceived, NoticeReceived, StatusReported
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.model import Fleet
from relaytui.fleet.status import NodeState, NodeStatus
from relaytui.link.errors import HostKeyUnknown

Pens = Sequence[tuple[str, str]]


class ScriptedSource:
    """Implements what screens need of a core; requests are kept, and answered by `replies`."""

    def __init__(self, *nodes: str) -> None:
        self.time = 1000.0
        self.fleet = Fleet(self.time)
        self.requests: list[tuple[str, Request]] = []
        self.replies: Callable[[str, Request], Any] = lambda node, request: None
        self.watched: dict[SessionKey, float] = {}
        self.retried: list[str] = []
        self.host_keys: dict[str, HostKeyUnknown] = {}
        self._callbacks: list[Callable[[list[Change]], None]] = []
        self._order = 0
        for node in nodes or ("local",):
            self.add_node(node)

    # What a core does -------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.time

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, callback: Callable[[list[Change]], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def request(self, node: str, request: Request, timeout: float = 10.0) -> Any:
        self.requests.append((node, request))
        reply = self.replies(node, request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def watch(self, key: SessionKey, interval: float = 0.1) -> None:
        self.watched[key] = interval

    def tune(self, key: SessionKey, interval: float) -> None:
        self.watched[key] = interval

    def unwatch(self, key: SessionKey) -> None:
        self.watched.pop(key, None)

    def retry(self, alias: str) -> None:
        self.retried.append(alias)

    def host_key_question(self, alias: str) -> HostKeyUnknown | None:
        return self.host_keys.get(alias)

    async def accept_host_key(self, alias: str) -> None:
        del self.host_keys[alias]

    def nudge(self) -> None: ...

    # The script -------------------------------------------------------------------------------------------------------

    def apply(self, item: Any) -> None:
        changes = self.fleet.apply(item, self.time)
        for callback in list(self._callbacks):
            callback(changes)

    def add_node(self, alias: str) -> None:
        self.fleet.add_node(alias)
        info = NodeInfo(
            NodeUuid(f"uuid-{alias}"),
            StoreId("store"),
            1,
            ProcessInfo(100, "0.1.0"),
            ProcessInfo(99, "0.1.0"),
            alias,
            "operator",
        )
        self.link(alias, NodeState.CONNECTED, rtt=0.018)
        facts = NodeFacts({"os": "linux", "cores": 8, "load": 0.4})
        self.apply(HelloReceived(alias, HelloReply(info, (), 0, facts)))

    def link(self, alias: str, state: NodeState, **fields: Any) -> None:
        """Report how the link to a node stands."""
        self.apply(StatusReported(alias, NodeStatus(state, fields.pop("since", self.time), **fields)))

    def session(
        self,
        key: str,
        title: str = "",
        attention: Attention = Attention.WORKING,
        *,
        age: float = 12.0,
        size: tuple[int, int] = (80, 24),
        ask: AskInfo | None = None,
        exited: ExitInfo | None = None,
        state: SessionState = SessionState.RUNNING,
        lines: Sequence[str | Pens] | None = None,
        lease: LeaseInfo | None = None,
        **fields: Any,
    ) -> SessionKey:
        """Add a session or change it; a given `ask` makes it asking."""
        node, _, session = key.partition("/")
        name = SessionKey(node, SessionId(session))
        known = self.fleet.sessions.get(name)
        if known is None:
            self._order += 1
        order = known.info.order if known else self._order
        info = SessionInfo(
            id=SessionId(session),
            title=title,
            command=("bash",),
            cwd="/home/operator",
            columns=size[0],
            rows=size[1],
            started=0.0,
            age=age,
            state=SessionState.EXITED if exited else state,
            attention=Attention.ASKING if ask else Attention.EXITED if exited else attention,
            attention_age=age,
            ask=ask,
            exit=exited,
            lease=lease,
            order=order,
            **fields,
        )
        self.apply(NoticeReceived(node, SessionChanged(info)))
        if lines is not None:
            self.draw(key, lines, size=size)
        return name

    def ask(self, node: str, ask: AskInfo) -> None:
        """Report an open ask from outside any session."""
        self.apply(NoticeReceived(node, AskChanged(ask)))

    def settings(self, node: str, **fields: Any) -> None:
        """Say what is muted and suspended on a node."""
        known = self.fleet.nodes[node].settings or NodeSettings()
        said = replace(known, version=known.version + 1, **fields)
        self.apply(NoticeReceived(node, SettingsChanged(said)))

    def obey(self, node: str, request: Request) -> Any:
        """Reply to requests about settings as a node does that nobody else changes."""
        if isinstance(request, SetSettings):
            said = replace(request.settings, version=request.settings.version + 1)
            self.apply(NoticeReceived(node, SettingsChanged(said)))
        return self.fleet.nodes[node].settings or NodeSettings()

    def gone(self, key: str) -> None:
        node, _, session = key.partition("/")
        self.apply(NoticeReceived(node, SessionGone(SessionId(session))))

    def draw(
        self,
        key: str,
        lines: Sequence[str | Pens],
        *,
        size: tuple[int, int] | None = None,
        first: int = 0,
        cursor: tuple[int, int] | None = None,
        is_visible: bool = True,
    ) -> None:
        """Put lines on a session's screen from row `first` on; the cursor after the last unless said."""
        node, _, session = key.partition("/")
        delta: dict[str, Any] = {} if size is None else {"size": list(size)}
        delta["rows"] = [[first + y, _spans(line)] for y, line in enumerate(lines)]
        last = lines[-1] if lines and isinstance(lines[-1], str) else ""
        row, column = cursor or (first + max(0, len(lines) - 1), min(len(last), (size or (80, 24))[0] - 1))
        delta["cursor"] = [row, column, is_visible, 0]
        self.apply(DeltaReceived(SessionKey(node, SessionId(session)), delta))


def _spans(line: str | Pens) -> list[list[str]]:
    if isinstance(line, str):
        return [[line, ""]] if line else []
    return [[text, pen] for text, pen in line]


def confirm(excerpt: str = "Do you want to continue? [Y/n]", age: float = 0.0, **fields: Any) -> AskInfo:
    """An ask for yes or no."""
    return AskInfo(fields.pop("id", AskId("ask-1")), AskKind.CONFIRM, excerpt, age, **fields)


def choice(excerpt: str, *labels: str, age: float = 0.0, **fields: Any) -> AskInfo:
    """An ask for one of several, the first selected."""
    options = tuple(AskOption(label, str(n), selected=n == 1) for n, label in enumerate(labels, 1))
    return AskInfo(fields.pop("id", AskId("ask-2")), AskKind.CHOICE, excerpt, age, options=options, **fields)
