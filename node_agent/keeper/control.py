"""The control protocol between agent and keeper: preamble, frames, message values. Sans-IO.

Each side first sends eight bytes, `RTKEEP`, the lowest and the highest version it speaks; that layout never changes.
Then frames: `header length u32, payload length u32` big endian, a JSON object, raw bytes. A request has `op` and a
number `n`; its reply has that number as `re` and, when refused, `error` and `message`. A frame with `notice` is the
keeper's own word. Unknown fields and notices are ignored.
"""

from __future__ import annotations

import enum
import json
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from node_agent.protocol.states import SessionState

VERSION_MIN = 1
VERSION_MAX = 1
MAGIC = b"RTKEEP"
PREAMBLE_SIZE = 8

HEAD = struct.Struct(">II")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
MAX_HEADER = 4 * 1024 * 1024
MAX_PAYLOAD = 1024 * 1024
MAX_MEM_READ = 4096
MAX_LINE = 4095
"""Bytes of one line in canonical mode; the kernel silently cuts what is longer (N_TTY, Linux)."""


class Refused(str, enum.Enum):
    """Why the keeper refused a request. Where the wire has the same refusal, the value is the same."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_OP = "unknown_op"
    NO_SESSION = "no_session"
    NOT_RUNNING = "not_running"
    STILL_RUNNING = "still_running"
    COMMAND_NOT_FOUND = "command_not_found"
    CWD_MISSING = "cwd_missing"
    START_FAILED = "start_failed"
    BAD_SIZE = "bad_size"
    LINE_TOO_LONG = "line_too_long"
    CHANGED = "changed"
    BUSY = "busy"
    DISK_FULL = "disk_full"
    REFUSED = "refused"
    FENCED = "fenced"  # a newer agent is here
    ANSWERED = "answered"  # a query at or after this one has been answered
    TOO_OLD = "too_old"  # the query was asked over a second ago
    INTERRUPTED = "interrupted"  # an interrupt flushed the terminal while the block was being written
    GONE = "gone"  # the terminal closed before the block was written


class Cause(str, enum.Enum):
    """Why bytes enter a child; any other word may stand for a cause too."""

    SEND = "send"
    ATTACH = "attach"
    ANSWER = "answer"
    QUERY = "query"  # the reply to a terminal query
    INTERRUPT = "interrupt"  # overtakes queued blocks


class ControlError(Exception):
    """The other side sent what the control protocol does not allow; the connection cannot be used any more."""


class Frame(NamedTuple):
    header: Dict[str, Any]
    payload: bytes = b""


def preamble(lowest: int = VERSION_MIN, highest: int = VERSION_MAX) -> bytes:
    """What each side sends first."""
    return MAGIC + bytes((lowest, highest))


def agree(theirs: bytes, lowest: int = VERSION_MIN, highest: int = VERSION_MAX) -> int:
    """The highest version both sides speak; raises ControlError when there is none or `theirs` is no preamble."""
    if len(theirs) != PREAMBLE_SIZE or not theirs.startswith(MAGIC):
        raise ControlError("the other side does not speak the keeper's protocol")
    common = min(highest, theirs[7])
    if common < max(lowest, theirs[6]):
        raise ControlError(f"no common version: here {lowest} to {highest}, there {theirs[6]} to {theirs[7]}")
    return common


def encode_frame(header: Dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame as bytes. Text that is not UTF-8 (arguments, paths) survives as lone surrogates."""
    text = _ENCODER.encode(header).encode("ascii")
    if len(text) > MAX_HEADER or len(payload) > MAX_PAYLOAD:
        raise ValueError("the request is too large for the keeper")
    return HEAD.pack(len(text), len(payload)) + text + payload


class FrameDecoder:
    """Cuts a stream into frames, the same for any cutting; raises ControlError at the first byte that breaks a rule."""

    def __init__(self, pending: bytes = b"") -> None:
        self.pending = bytearray(pending)

    def feed(self, data: bytes) -> List[Frame]:
        """Take in `data` and return the frames that are complete."""
        self.pending += data
        frames = []
        while len(self.pending) >= HEAD.size:
            header_size, payload_size = HEAD.unpack_from(self.pending)
            if header_size > MAX_HEADER or payload_size > MAX_PAYLOAD:
                raise ControlError("a frame is over the limit")
            body = HEAD.size + header_size
            end = body + payload_size
            if len(self.pending) < end:
                break
            frames.append(Frame(_parse(bytes(self.pending[HEAD.size : body])), bytes(self.pending[body:end])))
            del self.pending[:end]
        return frames


def _parse(text: bytes) -> Dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ControlError("a frame's header is no JSON") from error
    if not isinstance(header, dict):
        raise ControlError("a frame's header is no JSON object")
    return header


class SpawnRequest(NamedTuple):
    """A command to start on a terminal of its own.

    `request` makes a retry harmless: a second spawn with it returns the first one's session. `env` is the whole
    environment; the keeper adds `RELAY_SESSION`. `timeout` bounds the time until the program runs, in seconds: a
    directory on a dead file server may never be entered.
    """

    request: str
    command: Tuple[str, ...]
    cwd: str
    env: Dict[str, str]
    columns: int = 120
    rows: int = 40
    title: str = ""
    tags: Tuple[str, ...] = ()
    timeout: float = 10.0


class Spawned(NamedTuple):
    session: str
    pid: int
    repeated: bool = False  # this request had been carried out before


class ExitStatus(NamedTuple):
    """How a session's leader ended: a code, or a signal, or (lost) neither and a reason."""

    code: Optional[int] = None
    signal: Optional[int] = None
    at: float = 0.0  # Unix seconds on the node's clock
    reason: str = ""  # "keeper killed" or "reboot": the session is lost


class SessionRecord(NamedTuple):
    """What the keeper knows of a session; command, title and so on stand in its metadata file."""

    id: str
    state: SessionState
    pid: int
    head: int  # journal offset after the last byte
    first: int  # oldest offset still kept
    columns: int
    rows: int
    started: float  # Unix seconds on the node's clock
    request: str
    input_seq: int  # number of the last block written
    exit: Optional[ExitStatus] = None


class WriteResult(NamedTuple):
    """What became of a block of input. `head` is the journal's at that moment."""

    applied: bool
    head: int
    refused_reason: str = ""  # a value of Refused
    input_seq: int = 0
    repeated: bool = False  # this request id had been decided before; nothing was written again


class TerminalModes(NamedTuple):
    """The termios flags that say who edits the line, and the foreground process group (0: none)."""

    icanon: bool
    echo: bool
    isig: bool
    icrnl: bool
    foreground: int


class KeeperInfo(NamedTuple):
    pid: int
    version: str
    boot: str  # the boot id it runs in
    started: float  # Unix seconds
    epoch: int  # the highest agent epoch it has seen


def exit_to_wire(status: Optional[ExitStatus]) -> Optional[List[Any]]:
    return None if status is None else list(status)


def exit_from_wire(value: Any) -> Optional[ExitStatus]:
    return None if value is None else ExitStatus(*value[:4])


def record_to_wire(record: SessionRecord) -> Dict[str, Any]:
    fields = record._asdict()
    fields["state"] = record.state.value
    fields["exit"] = exit_to_wire(record.exit)
    return fields


def record_from_wire(fields: Dict[str, Any]) -> SessionRecord:
    known = {name: fields[name] for name in SessionRecord._fields}
    known["state"] = SessionState(known["state"])
    known["exit"] = exit_from_wire(known["exit"])
    return SessionRecord(**known)
