"""A real program on a terminal of its own, driven as a person would: type, and wait for what appears."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from ptyprocess import PtyProcess

from tests.waiting import LIMIT


class NotSeenError(AssertionError):
    """What was waited for did not appear in time; the message ends with what did."""


class PtyProgram:
    """One program on a PTY. `output` is everything it has written so far."""

    def __init__(
        self, command: Sequence[str], *, columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self._process = PtyProcess.spawn(list(command), env=dict(env or os.environ), dimensions=(rows, columns))
        self.pid: int = self._process.pid
        self.output = b""

    @property
    def fd(self) -> int:
        return int(self._process.fd)

    def type(self, data: bytes) -> None:
        """Type bytes, all of them."""
        while data:
            data = data[os.write(self.fd, data) :]

    def resize(self, columns: int, rows: int) -> None:
        self._process.setwinsize(rows, columns)

    def wait_for(self, pattern: bytes, timeout: float = LIMIT, *, start: int = 0) -> re.Match[bytes]:
        """Read until `pattern` matches the output from `start` on; raises NotSeenError."""
        wanted = re.compile(pattern, re.DOTALL)
        deadline = time.monotonic() + timeout
        while (found := wanted.search(self.output, start)) is None:
            if not self.read(deadline - time.monotonic()):
                raise NotSeenError(f"{pattern!r} not seen in {timeout} s; got ...{self.output[start:][-2000:]!r}")
        return found

    def wait_until(self, condition: Callable[[], bool], timeout: float = LIMIT) -> None:
        """Read until `condition()` holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise NotSeenError(f"condition not met in {timeout} s; got ...{self.output[-2000:]!r}")
            self.read(0.05)

    def read(self, timeout: float) -> bytes:
        """What arrives first within `timeout` seconds; b"" at the end or when nothing did."""
        if not select.select([self.fd], [], [], max(0.0, timeout))[0]:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:  # EIO: the program has closed its terminal
            return b""
        self.output += data
        return data

    def wait(self, timeout: float = LIMIT) -> int:
        """Read until the program has ended; returns its exit code, or minus the signal that ended it."""
        deadline = time.monotonic() + timeout
        while self._process.isalive():
            if time.monotonic() > deadline:
                raise NotSeenError(f"still running after {timeout} s; got ...{self.output[-2000:]!r}")
            self.read(0.05)
        while self.read(0):
            pass
        code = self._process.exitstatus
        return int(code) if code is not None else -int(self._process.signalstatus)

    def close(self) -> None:
        """End the program, however it feels about it."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.isalive():
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        self._process.fileobj.close()
        self._process.closed = True


@contextlib.contextmanager
def on_terminal(
    command: Sequence[str], *, columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[PtyProgram]:
    """A program on a terminal for the length of the block."""
    program = PtyProgram(command, columns=columns, rows=rows, env=env)
    try:
        yield program
    finally:
        program.close()
