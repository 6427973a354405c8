"""The lock that makes an agent the only one of its state directory, held until its file is closed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class AlreadyRunningError(Exception):
    """Another agent serves this state directory."""


def take_lock(path: Path) -> IO[bytes]:
    """Hold the state directory's lock until the file is closed; raises AlreadyRunningError."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRunningError(f"a node agent is running already ({path} is locked)") from error
    file.truncate()
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file
