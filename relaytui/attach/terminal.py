"""The operator's terminal in raw mode: bytes both ways, its size, and nothing of what they mean."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

READ_SIZE = 64 * 1024


class NoTerminalError(Exception):
    """There is no terminal to attach."""

    exit_code = 4


def _open_terminal() -> int:
    """Open the controlling terminal anew.

    A file description of our own can be made non-blocking without doing the same to the shell that started us.
    """
    candidates = ["/dev/tty"]
    if os.isatty(0):
        candidates.insert(0, os.ttyname(0))
    for path in candidates:
        try:
            return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            continue
    raise NoTerminalError("attach needs a terminal; `relaytui logs --follow` prints a session's output without one")


class OperatorTerminal:
    """A terminal that reads and writes without blocking the event loop."""

    def __init__(self) -> None:
        self._fd = -1
        self._pending = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self._gone = False

    @property
    def is_gone(self) -> bool:
        """Whether the terminal was closed under us."""
        return self._gone

    @property
    def is_busy(self) -> bool:
        """Whether it has still to take some of what was written."""
        return bool(self._pending)

    def size(self) -> tuple[int, int]:
        """Columns and rows; 80×24 where the terminal does not say."""
        columns, rows = os.get_terminal_size(self._fd)
        return (columns or 80, rows or 24)

    @contextmanager
    def raw(self, on_input: Callable[[bytes], None], on_resize: Callable[[], None]) -> Iterator[None]:
        """Raw mode for the length of the block. `on_input` gets b"" once when the terminal is gone.

        Input that arrives while the block is left, late replies above all, is thrown away: whoever reads next would
        take it for keys.
        """
        self._fd = _open_terminal()
        loop = asyncio.get_running_loop()
        saved = termios.tcgetattr(self._fd)
        previous_handler = signal.getsignal(signal.SIGWINCH)
        try:
            tty.setraw(self._fd)
            loop.add_signal_handler(signal.SIGWINCH, on_resize)
            loop.add_reader(self._fd, self._read, on_input)
            yield
        finally:
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            loop.remove_signal_handler(signal.SIGWINCH)
            signal.signal(signal.SIGWINCH, previous_handler)
            self._restore(saved)
            os.close(self._fd)
            self._fd = -1

    def write(self, data: bytes) -> None:
        """Write as much as the terminal takes; the rest follows when it can."""
        if self._gone:
            return
        if not self._pending:
            data = data[self._write_some(data) :]
        if data:
            self._pending += data
            self._drained.clear()
            asyncio.get_running_loop().add_writer(self._fd, self._write_pending)

    async def drain(self) -> None:
        """Wait until the terminal has taken everything written."""
        await self._drained.wait()

    def _read(self, on_input: Callable[[bytes], None]) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
        on_input(data)

    def _write_some(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose()
            return len(data)

    def _write_pending(self) -> None:
        del self._pending[: self._write_some(self._pending)]
        if not self._pending:
            asyncio.get_running_loop().remove_writer(self._fd)
            self._drained.set()

    def _lose(self) -> None:
        self._gone = True
        self._pending.clear()
        self._drained.set()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._fd)
        loop.remove_writer(self._fd)

    def _restore(self, saved: list[object]) -> None:
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
            termios.tcsetattr(self._fd, termios.TCSANOW, saved)  # type: ignore[arg-type]  # typeshed's own alias is private
        except termios.error:
            self._gone = True
