"""What the node, its keeper and a program need to lose a race on purpose.

A race is armed by a file in the session's directory that says when to strike: `look N` before the Nth write of an
answer reaches the keeper, `write N` in the keeper, after its check and before the write. Striking means that the
program is told to change its question, and that nothing goes on until the new one is on its terminal. `stall N` has the
agent stand still instead.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

LIMIT = 10.0


def directory_of(session: str) -> Path:
    return Path(os.environ["RACES"]) / session


def is_due(session: str, moment: str) -> bool:
    """Whether this is the moment to strike; counts the moments that come before."""
    armed = directory_of(session) / "armed"
    try:
        when, number = armed.read_text().split()
    except (OSError, ValueError):
        return False
    if when != moment:
        return False
    if int(number) > 1:
        armed.write_text(f"{when} {int(number) - 1}")
        return False
    armed.unlink()
    return True


def strike(session: str) -> None:
    """Have the program change its question, and wait until it has."""
    directory = directory_of(session)
    os.kill(int((directory / "pid").read_text()), signal.SIGUSR1)
    deadline = time.monotonic() + LIMIT
    while not (directory / "changed").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the program did not change its question")
        time.sleep(0.002)
