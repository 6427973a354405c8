"""Requests about streams: a session's screen or its bytes, sent as they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Type

from node_agent.protocol.ids import SessionId
from node_agent.protocol.message import Request


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
