"""The keeper's log: lines on stderr, which is its log file. The `logging` package would cost a tenth of its memory."""

from __future__ import annotations

import os
import time


def log(text: str) -> None:
    """One line with its time; never keystrokes, never output. A full disk loses it."""
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} keeper {os.getpid()}: {text}\n"
    try:
        os.write(2, line.encode("utf-8", "replace"))
    except OSError:
        pass
