"""Types keys on a terminal and measures when they come back."""

from __future__ import annotations

import time

from tests.pty_program import PtyProgram

ECHO = "stty raw -echo; echo ready; exec cat"
"""A program that answers each byte at once: what remains is the way there and back."""

_KEYS = (b"&", b"%")  # characters that no control sequence ends in
_PAUSE = 0.01
_PATIENCE = 10.0


class Typist:
    """One terminal under measurement, and the times its keys took, in seconds."""

    def __init__(self, name: str, program: PtyProgram) -> None:
        self.name = name
        self.times: list[float] = []
        self._program = program

    def type(self, count: int) -> None:
        """Type `count` keys one after the other, each when the last has come back."""
        for number in range(count):
            key = _KEYS[number % len(_KEYS)]
            self._settle()
            began = time.perf_counter()
            self._program.type(key)
            received = b""
            while key not in received:
                received += self._program.read(_PATIENCE)
                assert time.perf_counter() - began < _PATIENCE, f"{self.name}: {key!r} did not come back"
            self.times.append(time.perf_counter() - began)

    def _settle(self) -> None:
        """Read what still comes, for a moment."""
        until = time.perf_counter() + _PAUSE
        while (left := until - time.perf_counter()) > 0:
            self._program.read(left)
