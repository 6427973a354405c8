"""The exit codes of every command: the one table that scripts, README and tests go by.

Errors of links, config and ids carry their code themselves, because those layers must not know this one; a test
compares them and README with this table. Values never change.
"""

from __future__ import annotations

import enum

from node_agent.protocol.errors import ErrorCode, RequestError


class Exit(enum.IntEnum):
    """What a command ends with where neither link, config nor node decides."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    PARTIAL = 3
    NO_TERMINAL = 4
    ASKING = 5  # what a wait ended with, where that is not what was named first
    IDLE = 6
    EXITED = 7
    TIMEOUT = 8
    CHANGED = 9
    CONFIG = 10
    UNKNOWN_ID = 11
    AMBIGUOUS_ID = 12
    FILTER = 13
    NOTHING_ASKED = 14
    ANSWER_REFUSED = 15
    ANSWER_UNCONFIRMED = 16
    NO_HUB = 17
    HUB_FAILED = 18
    INTERRUPTED = 130


REFUSALS: dict[ErrorCode, int] = {
    ErrorCode.BAD_REQUEST: 50,
    ErrorCode.UNKNOWN_OP: 51,
    ErrorCode.NO_SESSION: Exit.UNKNOWN_ID,
    ErrorCode.NO_ASK: 52,
    ErrorCode.NOT_RUNNING: 53,
    ErrorCode.STILL_RUNNING: 54,
    ErrorCode.COMMAND_NOT_FOUND: 55,
    ErrorCode.CWD_MISSING: 56,
    ErrorCode.CWD_HANGS: 69,
    ErrorCode.START_FAILED: 57,
    ErrorCode.BAD_SIZE: 58,
    ErrorCode.BAD_KEY: 59,
    ErrorCode.LEASE_HELD: 60,
    ErrorCode.LINE_TOO_LONG: 61,
    ErrorCode.CHANGED: 62,
    ErrorCode.BUSY: 63,
    ErrorCode.DISK_FULL: 64,
    ErrorCode.KEEPER_GONE: 65,
    ErrorCode.STALE_VERSION: 66,
    ErrorCode.REFUSED: 67,
    ErrorCode.FORBIDDEN: 74,
    ErrorCode.NO_FILE: 75,
    ErrorCode.INTERNAL: 68,
}
"""A node's refusal as an exit code."""


class CommandError(Exception):
    """A command cannot go on. The message is one line: what failed, why, what to do."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.exit_code = int(code)


def exit_code_of(error: BaseException) -> int | None:
    """The exit code of an error the operator is meant to see, or None for one that is a bug."""
    if isinstance(error, RequestError):
        return REFUSALS[error.code]
    code = getattr(error, "exit_code", None)
    return code if isinstance(code, int) else None
