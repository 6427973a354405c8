"""The side index: small binary records that say when, why and how large, each at an offset of the journal.

A record is `size u16, kind u8, check u8, offset u64, boot u64, wall u64` big endian, then `size` bytes of the kind's
own. `boot` is nanoseconds since the machine started (it goes on through suspend and never jumps), `wall` nanoseconds
of Unix time. `check` is the sum of all other bytes modulo 256: a record cut by a crash ends the index, and what was
written before it still counts.
"""

from __future__ import annotations

import enum
import struct
from typing import Iterator, NamedTuple, Optional, Union

_HEAD = struct.Struct(">HBBQQQ")
_INPUT = struct.Struct(">QI")
_RESIZE = struct.Struct(">HH")
_GAP = struct.Struct(">Q")
HEAD_SIZE = _HEAD.size


class Kind(enum.IntEnum):
    """What a record says. Readers skip kinds they do not know."""

    TIME = 1  # bytes from this offset on arrived no earlier than this time
    INPUT = 2
    RESIZE = 3
    CHECKPOINT = 4
    GAP = 5


class Moment(NamedTuple):
    """A time on two clocks, nanoseconds each."""

    boot: int
    wall: int


class Time(NamedTuple):
    pass


class Input(NamedTuple):
    """A block was written into the child when the journal's head was the record's offset. The bytes are not kept."""

    seq: int
    length: int
    cause: str


class Resize(NamedTuple):
    columns: int
    rows: int


class Checkpoint(NamedTuple):
    """The file `name` in the session's directory holds the screen at the record's offset."""

    name: str


class Gap(NamedTuple):
    """The journal's bytes from `start` up to the record's offset were dropped."""

    start: int


Body = Union[Time, Input, Resize, Checkpoint, Gap]


class Record(NamedTuple):
    offset: int
    moment: Moment
    body: Body


def encode(record: Record) -> bytes:
    """One record as bytes; a cause or name is cut at 1,000 bytes."""
    body = record.body
    if isinstance(body, Input):
        kind, data = Kind.INPUT, _INPUT.pack(body.seq, body.length) + _text(body.cause)
    elif isinstance(body, Resize):
        kind, data = Kind.RESIZE, _RESIZE.pack(body.columns, body.rows)
    elif isinstance(body, Checkpoint):
        kind, data = Kind.CHECKPOINT, _text(body.name)
    elif isinstance(body, Gap):
        kind, data = Kind.GAP, _GAP.pack(body.start)
    else:
        kind, data = Kind.TIME, b""
    unchecked = _HEAD.pack(len(data), kind, 0, record.offset, record.moment.boot, record.moment.wall) + data
    return unchecked[:3] + bytes((sum(unchecked) & 0xFF,)) + unchecked[4:]


def decode(data: bytes) -> Iterator[Record]:
    """The records in `data` up to its end or the first that is torn."""
    at = 0
    while at + HEAD_SIZE <= len(data):
        size, kind, check, offset, boot, wall = _HEAD.unpack_from(data, at)
        end = at + HEAD_SIZE + size
        if end > len(data) or (sum(data[at:end]) - check) & 0xFF != check:
            return
        body = _body(kind, data[at + HEAD_SIZE : end])
        if body is not None:
            yield Record(offset, Moment(boot, wall), body)
        at = end


def _body(kind: int, data: bytes) -> Optional[Body]:
    if kind == Kind.TIME:
        return Time()
    if kind == Kind.INPUT and len(data) >= _INPUT.size:
        seq, length = _INPUT.unpack_from(data)
        return Input(seq, length, data[_INPUT.size :].decode("utf-8", "replace"))
    if kind == Kind.RESIZE and len(data) == _RESIZE.size:
        return Resize(*_RESIZE.unpack(data))
    if kind == Kind.CHECKPOINT:
        return Checkpoint(data.decode("utf-8", "replace"))
    if kind == Kind.GAP and len(data) == _GAP.size:
        return Gap(*_GAP.unpack(data))
    return None


def _text(value: str) -> bytes:
    return value.encode("utf-8", "replace")[:1000]
