"""Requests about sessions: their lives, sizes and names, and what their programs say of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Optional, Tuple, Type

from node_agent.protocol.colors import Colors
from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request
from node_agent.protocol.states import Restart


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
class SignalSession(Request):
    """A program's own word on its state, from inside a session or, with no session, from outside any."""

    op: ClassVar[str] = "session.signal"
    state: str  # "asking", "working", "idle", "done"
    session: Optional[SessionId] = None
    text: str = ""
    source: str = ""
    pid: int = 0  # of the program that says so from outside any session, where known: its ask ends with it
    started: int = 0  # that program, in clock ticks since the machine's start
