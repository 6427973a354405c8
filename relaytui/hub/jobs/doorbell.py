"""Tells other processes of this machine that a file they share has changed: a named pipe for each that waits.

Unlike a look at the file now and then, a waiter wakes at once and costs nothing meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
from pathlib import Path


class Doorbell:
    """`ring` wakes every `wait` on the same directory, in this process and in others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)
        self._own: Path | None = None
        self._pipe = -1

    def ring(self) -> None:
        """Wake all who wait; pipes that nobody reads any more are removed."""
        for path in self._directory.iterdir():
            try:
                pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:  # ENXIO: its reader died
                if path != self._own:
                    path.unlink(missing_ok=True)
                continue
            try:
                with contextlib.suppress(BlockingIOError):  # full: it has been rung already
                    os.write(pipe, b"!")
            finally:
                os.close(pipe)

    def listen(self) -> None:
        """Be woken by what happens from now on."""
        if self._own is None:
            name = secrets.token_hex(8)
            # Opened before it can be found: a pipe without a reader would be taken for a dead one and removed.
            hidden = self._directory.with_name(f".{name}")
            os.mkfifo(hidden, 0o600)
            self._pipe = os.open(hidden, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self._own = self._directory / name
            hidden.rename(self._own)

    def wait(self, seconds: float) -> bool:
        """Block until rung or `seconds` passed; whether it was rung since the last wait."""
        self.listen()
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while ready and os.read(self._pipe, 4096):
                pass
        return bool(ready)

    def close(self) -> None:
        if self._own is not None:
            self._own.unlink(missing_ok=True)
            os.close(self._pipe)
            self._own = None
