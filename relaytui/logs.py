"""Where the console's log goes: a file of bounded size, since the terminal is taken."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from relaytui.config.paths import writing_state

_LARGEST = 1024 * 1024
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to(path: Path, level: int = logging.INFO) -> None:
    """Write all logs of this process to `path` (0600), at most two files of 1 MiB; raises ConfigError."""
    with writing_state(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # at INFO it tells of every channel
