"""The hub's lock: one hub a state directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from relaytui.config import state_dir
from relaytui.config.paths import writing_state


def prepare(directory: Path) -> None:
    """Make a directory of ours alone; raises OSError where it is somebody else's."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else")


class HubLock:
    """Held by the hub for its lifetime; the kernel gives it back however the hub ends."""

    def __init__(self) -> None:
        self._path = state_dir() / "hub.lock"
        self._file: int | None = None

    def take(self) -> bool:
        """Take it and write our pid into it; False where another hub has it. Raises ConfigError."""
        with writing_state(self._path):
            prepare(self._path.parent)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> int | None:
        """The pid of the hub that runs, None where none does."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(file, 32) or 0) or None
        else:
            return None
        finally:
            os.close(file)
