"""Frames: a fixed header, then a payload that is raw bytes or compact JSON.

The header is `length u32, type u8, stream u32, number u64`, big endian; `length` counts the payload alone. What
`number` means is the type's: a request id, an event number, a journal offset, a screen revision. The decoder is fed
whole or a byte at a time with the same result, and garbage raises RemoteProtocolError and nothing else.
"""

from __future__ import annotations

import enum
import json
import struct
from typing import Any, Dict, Iterator, NamedTuple

from node_agent.protocol.errors import LocalProtocolError, RemoteProtocolError

HEADER = struct.Struct(">IBIQ")
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
MAX_PAYLOAD = 4 * 1024 * 1024
MAX_BYTES_FRAME = 64 * 1024
"""Largest payload of a BYTES or INPUT frame, so that other frames get their turn."""


class FrameType(enum.IntEnum):
    """What a frame is. `n` is its number, `s` its stream (0 where unnamed)."""

    REQUEST = 1  # client: JSON {"op": ..., fields}; n = request id
    REPLY = 2  # node: JSON of the reply; n = request id
    REFUSAL = 3  # node: JSON {"code", "message"}; n = request id
    EVENT = 4  # node: JSON EventRecord; n = event number
    NOTICE = 5  # node: JSON {"notice": ..., fields}; rate-limited state, latest wins
    BYTES = 6  # node: raw journal bytes; s, n = offset of the first byte
    SCREEN = 7  # node: JSON row delta; s, n = revision
    SNAPSHOT = 8  # node: raw ANSI to paint before the bytes that follow; s, n = offset it stands for
    ACK = 9  # client: s, n = offset or revision it has taken in
    INPUT = 10  # client: raw bytes typed; s, n = the stream's input number, from 1
    INPUT_ACK = 11  # node: s, n = input number now written; JSON {} or {"code", "message"} when refused
    STREAM_END = 12  # either: s; JSON {"reason"}
    PING = 13  # either: n = token
    PONG = 14  # either: n = the token
    GAP = 15  # node: s, n = offset where the stream goes on; JSON {"from"}: bytes were skipped or are gone


_TYPES = frozenset(int(kind) for kind in FrameType)


class Frame(NamedTuple):
    type: FrameType
    stream: int
    number: int
    payload: bytes = b""

    def json(self) -> Dict[str, Any]:
        """The payload as a JSON object; raises RemoteProtocolError where it is none."""
        try:
            value = json.loads(self.payload)
        except (ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"a {self.type.name} frame holds no JSON") from error
        if not isinstance(value, dict):
            raise RemoteProtocolError(f"a {self.type.name} frame holds no JSON object")
        return value


def encode_frame(kind: FrameType, stream: int = 0, number: int = 0, payload: bytes = b"") -> bytes:
    """One frame as bytes; raises LocalProtocolError over `MAX_PAYLOAD`."""
    if len(payload) > MAX_PAYLOAD:
        raise LocalProtocolError(f"a {kind.name} frame of {len(payload)} bytes is over the limit")
    return HEADER.pack(len(payload), kind, stream, number) + payload


def encode_json(kind: FrameType, value: Dict[str, Any], stream: int = 0, number: int = 0) -> bytes:
    """One frame with a JSON payload."""
    payload = _ENCODER.encode(value).encode("utf-8", "surrogatepass")
    return encode_frame(kind, stream, number, payload)


class FrameDecoder:
    """Cuts a byte stream into frames.

    A header that breaks the rules raises at once, before its payload is waited for, and the decoder stays broken.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = ""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take in `data` and yield each frame that is complete."""
        self._buffer += data
        while True:
            if self._broken:
                raise RemoteProtocolError(self._broken)
            if len(self._buffer) < HEADER.size:
                return
            length, kind, stream, number = HEADER.unpack_from(self._buffer)
            if kind not in _TYPES:
                self._broken = f"frame type {kind} does not exist"
            elif length > MAX_PAYLOAD:
                self._broken = f"a frame of {length} bytes is over the limit of {MAX_PAYLOAD}"
            if self._broken:
                raise RemoteProtocolError(self._broken)
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield Frame(FrameType(kind), stream, number, payload)
