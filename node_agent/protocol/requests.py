"""Requests about sessions, screens, bytes and events, and the reply to each; `registry.py` lists them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Optional, Tuple, Type

from node_agent.protocol.colors import Colors
from node_agent.protocol.entities import AskInfo, EventRecord, NodeFacts, NodeInfo, SessionInfo
from node_agent.protocol.ids import SessionId, StoreId
from node_agent.protocol.states import EventKind, Restart


@dataclass(frozen=True)
class Done:
    """Nothing to say but that it is done."""


class Request:
    """Base of all requests: `op` is the name on the wire, `reply` the class that comes back."""

    op: ClassVar[str]
    reply: ClassVar[Type[Any]] = Done


@dataclass(frozen=True)
class HelloReply:
    node: NodeInfo
    sessions: Tuple[SessionInfo, ...]
    last_event: int
    facts: NodeFacts = field(default_factory=NodeFacts)
    asks: Tuple[AskInfo, ...] = ()  # open asks of no session; the others stand in their sessions


@dataclass(frozen=True)
class Hello(Request):
    """The first request on a connection. The sessions in the reply are what NOTICE frames then update."""

    op: ClassVar[str] = "hello"
    reply: ClassVar[Type[Any]] = HelloReply
    client: str  # "console", "cli", "hub"
    operator: str  # who acts; recorded with every input
    version: str
    watch: bool = True  # send NOTICE frames on this connection


@dataclass(frozen=True)
class Subscribed:
    store: StoreId
    last_event: int
    reset: bool  # the cursor was of another store or too old: events start at the oldest kept


@dataclass(frozen=True)
class Subscribe(Request):
    """Send EVENT frames after number `after` of `store`, then go on live."""

    op: ClassVar[str] = "events.subscribe"
    reply: ClassVar[Type[Any]] = Subscribed
    store: StoreId
    after: int


@dataclass(frozen=True)
class EventList:
    events: Tuple[EventRecord, ...]


@dataclass(frozen=True)
class ListEvents(Request):
    """Past events, newest last; with `kind` only those of that kind."""

    op: ClassVar[str] = "events.list"
    reply: ClassVar[Type[Any]] = EventList
    after: int = 0
    limit: int = 200
    session: Optional[SessionId] = None
    kind: Optional[EventKind] = None


@dataclass(frozen=True)
class SessionList:
    sessions: Tuple[SessionInfo, ...]


@dataclass(frozen=True)
class ListSessions(Request):
    op: ClassVar[str] = "session.list"
    reply: ClassVar[Type[Any]] = SessionList


@dataclass(frozen=True)
class SessionReply:
    session: SessionInfo


@dataclass(frozen=True)
class StartSession(Request):
    """Start a command on a new terminal. No command: the login shell. `request` makes a retry harmless."""

    op: ClassVar[str] = "session.start"
    reply: ClassVar[Type[Any]] = SessionReply
    request: str  # unique; a second start with the same one returns the first's session
    command: Tuple[str, ...] = ()
    cwd: str = ""  # "" the home directory, where a relative one begins
    env: Dict[str, str] = field(default_factory=dict)
    base_env: Optional[Dict[str, str]] = None  # the caller's environment instead of the login shell's
    bare: bool = False  # do not read the login shell's environment
    columns: int = 120
    rows: int = 40
    title: str = ""
    tags: Tuple[str, ...] = ()
    job: str = ""  # the job this is an attempt of; `request` is then not looked at
    token: int = 0  # the attempt's fencing token
    own_directory: bool = False  # the attempt's: in a directory of its own, which `file.put` has filled
    restart: Restart = Restart.NEVER  # what becomes of it when it is lost; a job's attempts have rules of their own
    deploy: str = ""  # the deploy this is a step of: the node's owner must have listed the command
    colors: Optional[Colors] = None  # what its programs hear that ask for the terminal's; None is the node's defaults


@dataclass(frozen=True)
class UpdateSession(Request):
    """Change title, tags or what becomes of it when it is lost; None leaves them, "" and () clear them."""

    op: ClassVar[str] = "session.update"
    reply: ClassVar[Type[Any]] = SessionReply
    session: SessionId
    title: Optional[str] = None
    tags: Optional[Tuple[str, ...]] = None
    restart: Optional[Restart] = None


@dataclass(frozen=True)
class StopSession(Request):
    """HUP, CONT and TERM; KILL to what is left after `grace` seconds. Replies when the signals are sent."""

    op: ClassVar[str] = "session.stop"
    session: SessionId
    grace: float = 5.0


@dataclass(frozen=True)
class KillSession(Request):
    op: ClassVar[str] = "session.kill"
    session: SessionId


@dataclass(frozen=True)
class RemoveSession(Request):
    """Forget an ended session and its journal."""

    op: ClassVar[str] = "session.remove"
    session: SessionId


@dataclass(frozen=True)
class ResizeSession(Request):
    """Change the terminal's size; refused with `lease_held` when somebody else holds the lease."""

    op: ClassVar[str] = "session.resize"
    session: SessionId
    columns: int
    rows: int


@dataclass(frozen=True)
class Chunk:
    """One piece of input: exactly one of the fields is set."""

    text: Optional[str] = None  # pasted: bracketed where the program asked for it
    key: Optional[str] = None  # a key name, encoded for the modes of that moment
    data: Optional[str] = None  # bytes as hex


@dataclass(frozen=True)
class Sent:
    head: int  # journal offset when the last chunk was written
    bytes: int


@dataclass(frozen=True)
class SendInput(Request):
    """Type into a session without attaching. `request` makes a retry harmless."""

    op: ClassVar[str] = "session.send"
    reply: ClassVar[Type[Any]] = Sent
    session: SessionId
    request: str
    chunks: Tuple[Chunk, ...]
    steal: bool = False
    expect_head: Optional[int] = None


@dataclass(frozen=True)
class TakeLease(Request):
    op: ClassVar[str] = "lease.take"
    session: SessionId
    steal: bool = False


@dataclass(frozen=True)
class ReleaseLease(Request):
    op: ClassVar[str] = "lease.release"
    session: SessionId


@dataclass(frozen=True)
class StreamOpened:
    stream: int
    offset: int = 0  # where bytes will start
    head: int = 0
    columns: int = 0
    rows: int = 0
    lease: bool = False  # this stream may type


@dataclass(frozen=True)
class WatchScreen(Request):
    """Send SCREEN frames of a session: row deltas from the last acked revision, one in flight, latest wins."""

    op: ClassVar[str] = "screen.watch"
    reply: ClassVar[Type[Any]] = StreamOpened
    session: SessionId
    interval: float = 0.1  # seconds between frames at most; 0 is at once
    history: int = 0  # kept rows to send above the first frame


@dataclass(frozen=True)
class TuneScreen(Request):
    """Change the pace of a watched screen (a tile got or lost focus)."""

    op: ClassVar[str] = "screen.tune"
    stream: int
    interval: float


@dataclass(frozen=True)
class OpenBytes(Request):
    """Send a session's output: `attach` with a snapshot first and input allowed, `follow` and `download` raw."""

    op: ClassVar[str] = "bytes.open"
    reply: ClassVar[Type[Any]] = StreamOpened
    session: SessionId
    mode: str  # "attach", "follow", "download"
    offset: Optional[int] = None  # resume here; None: attach starts with a snapshot, the others at the oldest byte
    columns: int = 0  # attach: the operator's terminal
    rows: int = 0
    read_only: bool = False
    steal: bool = False
    window: int = 64 * 1024  # bytes in flight before an ACK
    history: int = 1000  # rows of history in the snapshot
    attach: str = ""  # names one attach over all its connections: its lease goes on after a cut


@dataclass(frozen=True)
class CloseStream(Request):
    op: ClassVar[str] = "stream.close"
    stream: int


@dataclass(frozen=True)
class LogLines:
    """`spans` has one list of wire spans a line (see terminal/rows.py) when colour was asked for, else it is empty."""

    lines: Tuple[str, ...]
    spans: Tuple[Any, ...] = ()
    offset: int = 0  # journal offset the lines stand for
    alternate: bool = False
    catching_up: bool = False


@dataclass(frozen=True)
class ReadLogs(Request):
    """History and screen as lines, soft wraps joined; on the alternate screen its last screen."""

    op: ClassVar[str] = "session.logs"
    reply: ClassVar[Type[Any]] = LogLines
    session: SessionId
    tail: Optional[int] = None
    color: bool = False


@dataclass(frozen=True)
class Evidence:
    source: str  # "read(tty)", "termios", "screen", "report", "exit" ...
    text: str
    age: float


@dataclass(frozen=True)
class Explanation:
    session: SessionInfo
    evidence: Tuple[Evidence, ...]
    rule: str = ""
    note: str = ""


@dataclass(frozen=True)
class ExplainSession(Request):
    """Why a session's attention is what it is."""

    op: ClassVar[str] = "session.explain"
    reply: ClassVar[Type[Any]] = Explanation
    session: SessionId


@dataclass(frozen=True)
class SignalSession(Request):
    """A program's own word on its state, from inside a session or, with no session, from outside any."""

    op: ClassVar[str] = "session.signal"
    state: str  # "asking", "working", "idle", "done"
    session: Optional[SessionId] = None
    text: str = ""
    source: str = ""
    pid: int = 0  # of the program that says so from outside any session, where known: its ask ends with it
    started: int = 0  # that program, in clock ticks since the machine's start
