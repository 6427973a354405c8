"""Output that broke a terminal engine, kept for a bug report: what shows the fault again once the session is gone.

A file holds the screen before, the output since, and what the engine said. Like the journal it may hold secrets, so it
stays in the state directory; a few files are enough, since one fault is met again and again.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from pathlib import Path
from typing import Optional

from node_agent.core.emulation import Breakage
from node_agent.terminal.engine import Checkpoint

log = logging.getLogger(__name__)

MOST_FILES = 8
MOST_BYTES = 4 * 1024 * 1024


def keep_broken_output(
    directory: Path, session: str, breakage: Breakage, checkpoint: Optional[Checkpoint], output: bytes
) -> None:
    """Write a file of JSON to `directory`: `output` is what was printed from `checkpoint` on, in base64.

    A full disk is only logged: the session goes on without the file.
    """
    value = {
        "engine": breakage.engine,
        "error": breakage.error,
        "checkpoint": checkpoint,
        "output": base64.b64encode(output[-MOST_BYTES:]).decode("ascii"),
        "fed_last": base64.b64encode(breakage.data).decode("ascii"),
        "end": breakage.end,
    }
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if len(list(directory.iterdir())) >= MOST_FILES:
            return
        path = directory / f"{session}-{breakage.end}.json"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="ascii") as file:
            json.dump(value, file)
    except OSError as error:
        log.warning("session %s: the output that broke an engine cannot be kept: %s", session, error)
