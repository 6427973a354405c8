"""States and kinds, as they stand on screens, in commands and on the wire."""

from __future__ import annotations

import enum


class Attention(str, enum.Enum):
    """What a session is to the operator."""

    WORKING = "working"
    ASKING = "asking"
    IDLE = "idle"  # a shell, REPL or composer at rest: nothing asked
    EXITED = "exited"
    UNKNOWN = "unknown"


class SessionState(str, enum.Enum):
    """Where a session is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"  # the leader has ended and its output is drained
    CLOSED = "closed"  # nobody holds the terminal any more
    LOST = "lost"  # its keeper was killed or its machine restarted


class Restart(str, enum.Enum):
    """What becomes of a session that was lost with its machine or its keeper."""

    NEVER = "never"
    ASK = "ask"  # an ask of the lost session: shall it be started again?
    AUTO = "auto"


class AskKind(str, enum.Enum):
    """What kind of input a session waits for."""

    CONFIRM = "confirm"
    CHOICE = "choice"
    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a secret
    TEXT = "text"
    PAGER = "pager"
    EDITOR = "editor"
    KEY = "key"  # any key goes on
    LOGIN = "login"


class EventKind(str, enum.Enum):
    """Durable events: numbered in the node's store, delivered to every consumer from its cursor on."""

    SESSION_STARTED = "session.started"
    SESSION_EXITED = "session.exited"
    SESSION_CLOSED = "session.closed"
    SESSION_LOST = "session.lost"
    SESSION_REMOVED = "session.removed"
    ASK_OPENED = "ask.opened"
    ASK_CLOSED = "ask.closed"
    ASK_ANSWERED = "ask.answered"  # by whom or by which rule, and what became of it; never a secret
    SETTINGS_CHANGED = "settings.changed"  # mutes or channel switches, by whom
    LEASE_TAKEN = "lease.taken"
    LEASE_RELEASED = "lease.released"
    INPUT_SENT = "input.sent"  # who typed how many bytes where; never the bytes
    DEPLOY_REFUSED = "deploy.refused"  # what was asked, by whom, and why its owner's list does not allow it
    OUTPUT_DROPPED = "output.dropped"  # a journal segment was dropped for the cap or quota
    QUARANTINED = "session.quarantined"
    DISK_FULL = "disk.full"


class AlertKind(str, enum.Enum):
    """What an alert is about."""

    ASK = "ask"
    EXIT = "exit"  # a session ended with status 0
    FAILURE = "failure"  # it ended otherwise, or was lost
    TURN = "turn"  # a coding agent or a long command is back at rest after work
    NODE_LOST = "node_lost"  # made by hub or console: the node cannot say it
    NODE_BACK = "node_back"
    MANUAL = "manual"


class Severity(str, enum.Enum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
