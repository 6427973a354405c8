"""View models: what widgets are told. Plain values, already worded and sanitised, without a link or a clock behind."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Status(enum.Enum):
    """How a session stands, as one symbol, word and colour role; the value is the role's name."""

    ASKING = "asking"
    WORKING = "working"
    IDLE = "idle"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LOST = "lost"


class Hint(NamedTuple):
    """A key and what it does, for a border or the footer."""

    key: str
    title: str


@dataclass(frozen=True)
class TileView:
    """One session as a tile, a list line or a picker entry shows it."""

    key: str  # node/id
    title: str
    status: Status
    word: str  # "asking", "failed 1", "lost 12 s"
    age: str = ""
    badge: str = ""  # a fact beside the actions: who types, how far behind
    is_faded: bool = False  # what is shown may no longer be so
    is_put_aside: bool = False  # it asks, and waits for nobody just now

    @property
    def is_asking(self) -> bool:
        """Whether somebody should look."""
        return self.status is Status.ASKING and not self.is_put_aside

    @property
    def is_alive(self) -> bool:
        """Whether its program runs, as far as is known, so that its cursor means something."""
        return not self.is_faded and self.status not in (Status.DONE, Status.FAILED)


class Fact(NamedTuple):
    """One thing known of something, behind a word for what it is: "" for a heading, a blank where it goes on."""

    label: str
    text: str
    role: str = "text"
    is_strong: bool = False


@dataclass(frozen=True)
class RowView:
    """One line, or two where it is narrow, of a list beside a session's screen: an ask, a job."""

    id: str
    status: Status
    word: str  # "41 s", "running"
    name: str  # node/id, a job's id
    title: str
    detail: str = ""  # the question, the reason
    marks: str = ""  # who has it, snoozed, its job
    section: str = ""  # the heading it stands under
    is_faded: bool = False  # put aside, or over


@dataclass(frozen=True)
class NodeView:
    """One node as the nodes panel and the status line show it."""

    name: str
    status: Status
    word: str  # "connected", "stale 12 s", "lost 9 s"
    detail: str = ""  # what is wrong, and when it is tried again, in plain words
    facts: str = ""
    sessions: int = 0
    tags: str = ""

    @property
    def is_well(self) -> bool:
        return self.status is Status.WORKING


@dataclass(frozen=True)
class SummaryView:
    """The status line's figures."""

    nodes: int = 0
    sessions: int = 0
    asking: int = 0
    lost: int = 0
    shown: int = 0  # sessions that pass the filter
    filter: str = ""
    order: str = ""
    clock: str = ""
    troubles: Sequence[NodeView] = ()
    suspended: str = ""  # "rules suspended", with where if not everywhere
