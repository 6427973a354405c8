"""Leaves the starter behind: a daemon's double fork, with one word back about how the start went."""

from __future__ import annotations

import os
import sys
from typing import Optional

ALREADY_RUNNING = 3
"""Exit code of a keeper, or of an agent, that found its state directory taken."""
_LOG_BYTES = 1024 * 1024


class Starter:
    """Whoever started this process and wants to know how it went."""

    def __init__(self) -> None:
        self._pipe = -1

    def tell(self, code: int, message: str) -> None:
        """Say once how the start went: an exit code and, unless 0, one line."""
        if self._pipe >= 0:
            os.write(self._pipe, bytes((code,)) + message.encode("utf-8", "replace"))
            os.close(self._pipe)
            self._pipe = -1
        elif message:
            print(message, file=sys.stderr)

    def attach(self, pipe: int) -> None:
        self._pipe = pipe


def detach(starter: Starter, log_path: str) -> Optional[int]:
    """Go on in a process of its own session; in the first one, wait for the word and return the exit code."""
    try:
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        print(f"cannot write {log_path}: {error.strerror}", file=sys.stderr)
        return 1
    if os.fstat(log).st_size > _LOG_BYTES:
        os.ftruncate(log, 0)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        os.waitpid(pid, 0)
        return _wait_for_word(reader)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    moved = os.dup2(writer, 3, inheritable=False) if writer != 3 else writer
    os.closerange(4, 1024)  # what the starter left open is not ours
    starter.attach(moved)
    return None


def _wait_for_word(reader: int) -> int:
    with open(reader, "rb") as file:
        word = file.read()
    if not word:
        print("it ended at its start", file=sys.stderr)
        return 1
    if len(word) > 1:
        print(word[1:].decode("utf-8", "replace"), file=sys.stderr)
    return word[0]
