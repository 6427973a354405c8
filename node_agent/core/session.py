"""The model of one session: what it was started as, where it is in its life, and what is known of it now."""

from __future__ import annotations

import dataclasses
import posixpath
from dataclasses import dataclass, field
from typing import FrozenSet, Optional, Tuple

from node_agent.core.attention import attention_of, has_ended
from node_agent.core.lease import Lease
from node_agent.core.marks import NO_MARKS, AskMarks
from node_agent.core.moment import Moment
from node_agent.protocol.entities import AskInfo, ExitInfo, SessionInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import AskKind, Attention, Restart, SessionState
from node_agent.terminal.sanitise import sanitise

TITLE_LIMIT = 200
PATH_LIMIT = 4096
NOTE_LIMIT = 300
RESTART = "restart"
"""The identity of the ask whether a lost session is to be started again."""


@dataclass(frozen=True)
class OpenAsk:
    """The ask a session has open: what it says and since when."""

    info: AskInfo
    opened: Moment
    identity: str  # of the question and its reader, to know it again after a restart
    marks: AskMarks = NO_MARKS

    def at(self, now: Moment, is_muted: bool = False) -> AskInfo:
        return dataclasses.replace(
            self.info,
            age=self.opened.age_at(now),
            claimed_by=self.marks.claimant(now),
            acked_by=self.marks.acked_by,
            snoozed=self.marks.is_snoozed(now),
            muted=is_muted,
        )


@dataclass
class Session:
    """One session. Whoever changes a field tells the clients; the model only answers."""

    id: SessionId
    command: Tuple[str, ...]
    cwd: str
    columns: int
    rows: int
    started: Moment
    order: int
    given_title: str = ""
    job: str = ""
    token: int = 0
    tags: Tuple[str, ...] = ()
    state: SessionState = SessionState.STARTING
    exit: Optional[ExitInfo] = None
    first: int = 0
    head: int = 0
    terminal_title: str = ""
    program: str = ""
    alternate: bool = False
    catching_up: bool = True
    quarantined: bool = False
    note: str = ""
    verdict: Attention = Attention.UNKNOWN
    ask: Optional[OpenAsk] = None
    lease: Lease = field(default_factory=Lease)
    muted: bool = False
    muted_kinds: FrozenSet[str] = frozenset()
    attention_since: Optional[Moment] = None
    restart: Restart = Restart.NEVER
    _last_attention: Optional[Attention] = None

    @property
    def has_ended(self) -> bool:
        return has_ended(self.state)

    @property
    def is_restart_asked(self) -> bool:
        """Whether it is lost and asks whether it is to be started again."""
        return self.state is SessionState.LOST and self.ask is not None and self.ask.identity == RESTART

    def is_started_as(self, kind: AskKind, program: str) -> bool:
        """Whether the session was started as the editor or pager that now waits: nobody needs to be told."""
        if kind not in (AskKind.EDITOR, AskKind.PAGER) or not self.command:
            return False
        return posixpath.basename(self.command[0]) == posixpath.basename(program)

    @property
    def attention(self) -> Attention:
        is_current = not (self.catching_up or self.quarantined)
        return attention_of(self.state, is_current, self.verdict, self.is_restart_asked)

    @property
    def title(self) -> str:
        """The operator's title, else the terminal's, else the command and the directory's name."""
        return self.given_title or self.terminal_title or self._default_title()

    def _default_title(self) -> str:
        program = posixpath.basename(self.command[0]) if self.command else "shell"
        words = " ".join((program, *self.command[1:]))
        place = posixpath.basename(self.cwd.rstrip("/")) or self.cwd
        return f"{words} · {place}" if place else words

    def _ask_at(self, now: Moment) -> Optional[AskInfo]:
        if self.ask is None:
            return None
        return self.ask.at(now, self.muted or self.ask.info.kind.value in self.muted_kinds)

    def note_attention(self, now: Moment) -> bool:
        """Remember since when the attention is what it is; whether it has changed."""
        if self._last_attention is self.attention and self.attention_since is not None:
            return False
        self._last_attention = self.attention
        self.attention_since = now
        return True

    def info(self, now: Moment) -> SessionInfo:
        """The session as clients see it."""
        return SessionInfo(
            id=self.id,
            title=sanitise(self.title, TITLE_LIMIT),
            command=self.command,
            cwd=sanitise(self.cwd, PATH_LIMIT),
            columns=self.columns,
            rows=self.rows,
            started=self.started.wall,
            age=self.started.age_at(now),
            state=self.state,
            attention=self.attention,
            attention_age=(self.attention_since or self.started).age_at(now),
            tags=self.tags,
            ask=self._ask_at(now),
            exit=self.exit,
            lease=self.lease.info(now),
            program=sanitise(self.program, TITLE_LIMIT),
            first=self.first,
            head=self.head,
            alternate=self.alternate,
            catching_up=self.catching_up and not self.has_ended,
            note=sanitise(self.note, NOTE_LIMIT),
            muted=self.muted,
            order=self.order,
            job=self.job,
            token=self.token,
            restart=self.restart,
        )
