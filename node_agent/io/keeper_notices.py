"""What a keeper tells its clients unasked, as the agent sees it.

It must not know how a notice arrived.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Union

from node_agent.keeper.control import ExitStatus, exit_from_wire


class HeadsAdvanced(NamedTuple):
    """Journals have grown: session → offset after the last byte. Coalesced, so one notice may stand for many reads."""

    heads: Dict[str, int]


class SessionExited(NamedTuple):
    """A session's leader has ended and what it had printed is in the journal."""

    session: str
    head: int
    status: ExitStatus


class SessionClosed(NamedTuple):
    """Nobody holds a session's terminal any more: its journal is complete."""

    session: str
    head: int


class SegmentDropped(NamedTuple):
    """A session's oldest bytes were removed for the cap, the quota or the floor; `first` is the oldest kept."""

    session: str
    first: int


class DiskFull(NamedTuple):
    """Journals cannot grow, so children are held back; `full` False: they go on."""

    full: bool


class Fenced(NamedTuple):
    """A newer agent has connected: this client can only read."""

    epoch: int


Notice = Union[HeadsAdvanced, SessionExited, SessionClosed, SegmentDropped, DiskFull, Fenced]


def parse_notice(header: Dict[str, Any]) -> Optional[Notice]:
    """The notice a frame holds, or None for one this side does not know."""
    kind = header.get("notice")
    if kind == "heads":
        return HeadsAdvanced(header["heads"])
    if kind == "exited":
        return SessionExited(header["session"], header["head"], exit_from_wire(header["exit"]) or ExitStatus())
    if kind == "closed":
        return SessionClosed(header["session"], header["head"])
    if kind == "dropped":
        return SegmentDropped(header["session"], header["first"])
    if kind == "disk":
        return DiskFull(header["full"])
    if kind == "fenced":
        return Fenced(header["epoch"])
    return None
