"""Errors of the protocol, split by whose fault they are, and the codes an agent refuses requests with."""

from __future__ import annotations

import enum


class ProtocolError(Exception):
    """Something broke the protocol; the link it happened on cannot be used any more."""


class LocalProtocolError(ProtocolError):
    """We were about to break the protocol ourselves: a bug on this side."""


class RemoteProtocolError(ProtocolError):
    """The other side sent what the protocol does not allow."""


class ErrorCode(str, enum.Enum):
    """Why an agent refused a request. Scripts see them in `--json` output, so values never change."""

    BAD_REQUEST = "bad_request"  # a field is missing or has a wrong type or value
    UNKNOWN_OP = "unknown_op"  # this agent does not know the request
    NO_SESSION = "no_session"
    NO_ASK = "no_ask"
    NOT_RUNNING = "not_running"  # the session has ended
    STILL_RUNNING = "still_running"
    COMMAND_NOT_FOUND = "command_not_found"
    CWD_MISSING = "cwd_missing"
    CWD_HANGS = "cwd_hangs"  # its file system does not answer
    NO_FILE = "no_file"
    START_FAILED = "start_failed"
    BAD_SIZE = "bad_size"
    BAD_KEY = "bad_key"
    LEASE_HELD = "lease_held"  # somebody else holds the right to type
    LINE_TOO_LONG = "line_too_long"  # the kernel would cut it (4,095 bytes in canonical mode)
    CHANGED = "changed"  # output came after the screen the input was judged on
    BUSY = "busy"  # a bounded queue is full
    DISK_FULL = "disk_full"
    KEEPER_GONE = "keeper_gone"
    STALE_VERSION = "stale_version"  # compare-and-set lost
    REFUSED = "refused"  # not possible as things stand
    FORBIDDEN = "forbidden"  # the node's owner does not allow it
    INTERNAL = "internal"


class RequestError(Exception):
    """A request was refused. `message` is one line: what failed, why, what to do."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
