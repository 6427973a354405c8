"""Why a node cannot serve, in the few kinds a caller must tell apart; each is an exit code and a word on the wire."""

from __future__ import annotations

import enum
import errno

from node_agent.io.paths import NetworkFileSystemError, PathError
from node_agent.keeper import detach

NOT_STARTED = "the node agent did not start"


class Failure(enum.IntEnum):
    """Exit codes of `node-agent serve`; the names in lower case stand in the line of `node-agent probe`."""

    OTHER = 1
    ALREADY_RUNNING = detach.ALREADY_RUNNING  # by which the keeper knows that another has the lock
    NETWORK_FILE_SYSTEM = 4
    STATE_UNUSABLE = 5
    DISK_FULL = 6


_FULL = (errno.ENOSPC, errno.EDQUOT)


def words_for(error: BaseException) -> str:
    """The error as one line for the operator."""
    if failure_of(error) is Failure.DISK_FULL:
        return f"the disk is full ({error}); make room, or set RELAY_STATE_DIR to a place on another"
    return str(error)


def failure_of(error: BaseException) -> Failure:
    """The kind of an error, judged by it or by what caused it."""
    cause = error.__cause__
    for found in (error, cause):
        if isinstance(found, OSError) and found.errno in _FULL:
            return Failure.DISK_FULL
        if "disk is full" in str(found):  # SQLite's words for SQLITE_FULL
            return Failure.DISK_FULL
    if isinstance(error, NetworkFileSystemError):
        return Failure.NETWORK_FILE_SYSTEM
    return Failure.STATE_UNUSABLE if isinstance(error, PathError) else Failure.OTHER
