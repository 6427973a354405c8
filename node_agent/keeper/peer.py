"""One connection to the keeper: bytes in, bytes out, and what its other end has still to be told.

A peer that does not read costs a bounded amount: notices are not queued but remembered as sets and told from the state
of that moment, and no request is read while replies wait.
"""

from __future__ import annotations

import socket
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from node_agent.keeper.control import PREAMBLE_SIZE, ControlError, Frame, FrameDecoder, agree, encode_frame, preamble
from node_agent.keeper.loop import READ, WRITE, Loop, Timer

MAX_UNSENT = 1024 * 1024
PATIENCE = 0.002
"""Seconds a patient frame waits for another to go along with: the other end is woken once, not twice."""

_RECEIVE = 64 * 1024

Fact = Tuple[str, str]
"""A notice to tell: its name and its session's id ("" for none)."""


class Peer:
    """A connected agent or observer. `epoch` is 0 for an observer, `watched` peers are killed when silent."""

    __slots__ = (
        "_decoder",
        "_held",
        "_impatience",
        "_loop",
        "_lost",
        "_received",
        "_socket",
        "_unsent",
        "came",
        "credit",
        "epoch",
        "facts",
        "grown",
        "heard",
        "number",
        "pid",
        "told_heads",
        "version",
        "watched",
    )

    def __init__(
        self,
        number: int,
        connection: socket.socket,
        pid: int,
        loop: Loop,
        received: Callable[[Peer, Frame], None],
        lost: Callable[[Peer], None],
    ) -> None:
        self.number = number
        self.pid = pid
        self.epoch: Optional[int] = None  # None until its hello
        self.version = 0  # 0 until its preamble
        self.watched = False
        self.came = self.heard = loop.now()
        self.told_heads = 0.0
        self.credit = 0.0  # see `news`
        self.grown: Set[str] = set()
        self.facts: Dict[Fact, None] = {}  # an ordered set
        self._socket = connection
        self._loop = loop
        self._received = received
        self._lost = lost
        self._decoder = FrameDecoder()
        self._held = b""  # patient frames
        self._impatience: Optional[Timer] = None
        self._unsent = bytearray()
        connection.setblocking(False)

    @property
    def is_fenced(self) -> bool:
        """Whether this peer may only read."""
        return not self.epoch

    @property
    def is_idle(self) -> bool:
        """Whether everything sent has been taken, so that a notice does not pile up."""
        return not self._unsent

    @property
    def has_news(self) -> bool:
        return bool(self.grown or self.facts)

    def begin(self) -> None:
        """Greet and start to listen."""
        self._loop.watch(self._socket.fileno(), READ, self._ready)
        self._send_bytes(preamble())

    def send(self, header: Dict[str, Any], payload: bytes = b"", *, is_patient: bool = False) -> None:
        """Send a frame; a patient one goes behind the next that is not, or alone after `PATIENCE`."""
        frame = encode_frame(header, payload)
        if not is_patient:
            self._release(frame)
            return
        self._held += frame
        if self._impatience is None:
            self._impatience = self._loop.call_after(PATIENCE, self._release)

    def _release(self, urgent: bytes = b"") -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        held, self._held = self._held, b""
        self._send_bytes(urgent + held)

    def close(self) -> None:
        """Let the connection go; safe to call again."""
        if self._impatience is not None:
            self._impatience.cancel()
        if self._socket.fileno() >= 0:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._lost(self)

    def _send_bytes(self, data: bytes) -> None:
        if self._socket.fileno() < 0:
            return
        if not self._unsent:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self.close()
                return
        if data:
            self._unsent += data
            self._watch()

    def _watch(self) -> None:
        events = (READ if len(self._unsent) < MAX_UNSENT else 0) | (WRITE if self._unsent else 0)
        self._loop.watch(self._socket.fileno(), events, self._ready)

    def _ready(self, events: int) -> None:
        if events & WRITE and self._unsent:
            try:
                del self._unsent[: self._socket.send(self._unsent)]
            except BlockingIOError:
                pass
            except OSError:
                self.close()
                return
            self._watch()
        if events & READ:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.heard = self._loop.now()
        try:
            for frame in self._frames(data):
                self._received(self, frame)
        except ControlError:
            self.close()

    def _frames(self, data: bytes) -> List[Frame]:
        if self.version:
            return self._decoder.feed(data)
        self._decoder.pending += data
        if len(self._decoder.pending) < PREAMBLE_SIZE:
            return []
        self.version = agree(bytes(self._decoder.pending[:PREAMBLE_SIZE]))
        rest = bytes(self._decoder.pending[PREAMBLE_SIZE:])
        self._decoder.pending.clear()
        return self._decoder.feed(rest)

    # Upgrade

    def dump(self) -> Dict[str, Any]:
        """Plain values for the next program of an upgrade; the socket goes along as a descriptor."""
        return {
            "fd": self._socket.fileno(),
            "number": self.number,
            "pid": self.pid,
            "epoch": self.epoch,
            "version": self.version,
            "watched": self.watched,
            "grown": sorted(self.grown),
            "facts": list(self.facts),
            "received": self._decoder.pending.hex(),
            "unsent": (self._unsent + self._held).hex(),
        }

    def restore(self, fields: Dict[str, Any]) -> None:
        """Take over what `dump` of the program before said, and listen."""
        self.epoch, self.version, self.watched = fields["epoch"], fields["version"], fields["watched"]
        self.grown = set(fields["grown"])
        self.facts = dict.fromkeys((name, session) for name, session in fields["facts"])
        self._decoder = FrameDecoder(bytes.fromhex(fields["received"]))
        self._unsent += bytes.fromhex(fields["unsent"])
        self._watch()
