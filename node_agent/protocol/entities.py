"""What a node tells of its sessions, asks, alerts and itself.

Nodes send ages in seconds, not times, wherever order matters between machines: clocks differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from node_agent.protocol.ids import NO_SESSION, AskId, NodeUuid, SessionId, StoreId
from node_agent.protocol.states import AlertKind, AskKind, Attention, EventKind, Restart, SessionState, Severity


@dataclass(frozen=True)
class AskOption:
    """One choice on screen. `key` is what selects it directly ("" where only arrows do)."""

    label: str
    key: str = ""
    selected: bool = False
    default: bool = False


@dataclass(frozen=True)
class AskInfo:
    """One instance of a session needing a human."""

    id: AskId
    kind: AskKind
    excerpt: str
    age: float  # seconds since it opened
    session: SessionId = NO_SESSION  # "" for a report from outside any session
    options: Tuple[AskOption, ...] = ()
    program: str = ""
    command: str = ""  # what would be run, where the program shows it
    cwd: str = ""
    rule: str = ""
    confidence: float = 1.0
    claimed_by: str = ""
    acked_by: str = ""
    snoozed: bool = False
    muted: bool = False
    quiet: bool = False  # an editor or pager that the operator started, and no program: listed, told to nobody


@dataclass(frozen=True)
class ExitInfo:
    """How a session ended; `at` is the node's wall clock in Unix seconds."""

    code: Optional[int] = None
    signal: Optional[int] = None
    at: float = 0.0
    reason: str = ""  # for lost sessions: "reboot", "keeper killed"


@dataclass(frozen=True)
class LeaseInfo:
    """Who holds the right to type, and for how many seconds."""

    holder: str
    age: float = 0.0


@dataclass(frozen=True)
class SessionInfo:
    """Everything a list or a tile's title shows of a session."""

    id: SessionId
    title: str
    command: Tuple[str, ...]
    cwd: str
    columns: int
    rows: int
    started: float  # the node's wall clock, Unix seconds
    age: float
    state: SessionState
    attention: Attention
    attention_age: float
    tags: Tuple[str, ...] = ()
    ask: Optional[AskInfo] = None
    exit: Optional[ExitInfo] = None
    lease: Optional[LeaseInfo] = None
    program: str = ""  # the foreground program
    first: int = 0  # oldest journal offset still kept
    head: int = 0  # journal offset after the last byte
    alternate: bool = False
    catching_up: bool = False  # the screen is behind the journal
    note: str = ""
    muted: bool = False
    order: int = 0  # position in which the node started it
    job: str = ""  # the job it is an attempt of
    token: int = 0  # that attempt's fencing token
    restart: Restart = Restart.NEVER  # what becomes of it when it is lost


@dataclass(frozen=True)
class ProcessInfo:
    pid: int
    version: str


@dataclass(frozen=True)
class NodeInfo:
    """Who answered: part of the reply to `hello`."""

    uuid: NodeUuid
    store: StoreId
    epoch: int  # of the agent; grows with each agent on this state directory
    agent: ProcessInfo
    keeper: ProcessInfo
    host: str
    user: str
    features: Tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeFacts:
    """What the agent probed of its machine; sent with the heartbeat. Values are strings, numbers, bools, lists."""

    facts: Dict[str, Any] = field(default_factory=dict)
    age: float = 0.0


@dataclass(frozen=True)
class EventRecord:
    """A durable event; `n` is its number in the node's store."""

    n: int
    kind: EventKind
    age: float
    session: SessionId = NO_SESSION
    data: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """One channel's try at an alert. `state`: claimed, sent, failed."""

    channel: str
    sender: str
    state: str
    age: float
    detail: str = ""
    tries: int = 1


@dataclass(frozen=True)
class Alert:
    """`key` is stable: the same happening has the same key for every sender and after every restart."""

    key: str
    kind: AlertKind
    severity: Severity
    title: str
    body: str
    age: float
    n: int  # grows with each alert of the node
    session: SessionId = NO_SESSION
    ask: Optional[AskId] = None
    ask_kind: Optional[AskKind] = None
    is_open: bool = True  # still worth telling: its ask is open, nobody acked it
    silenced: str = ""  # why no channel tells it: "muted", "quiet hours", "ann is attached", "pager started as such"
    deliveries: Tuple[Delivery, ...] = ()
