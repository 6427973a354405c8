"""Tells whether a program still runs, without knowing its id: by a pipe that it holds open for as long as it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Held:
    """The reading end. A program takes the other one by opening `path` to write, as the shell's `>` does."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def is_held(self) -> bool:
        try:
            os.read(self._reader, 1)  # b"" where nobody can write
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        os.close(self._reader)


@contextmanager
def held_pipe(directory: Path) -> Iterator[Held]:
    """A pipe in `directory` for the length of the block."""
    held = Held(directory / "held")
    try:
        yield held
    finally:
        held.close()
