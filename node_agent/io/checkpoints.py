"""Screens on disk: one file beside each session's journal, so that an agent need not read the journal from its start.

A file that cannot be read is as good as none: the journal is the truth.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from pathlib import Path
from typing import NamedTuple, Optional

from node_agent.journal.tail import Position
from node_agent.terminal.engine import Checkpoint

log = logging.getLogger(__name__)

NAME = "screen"


class SavedScreen(NamedTuple):
    """A screen and the place in the journal's index up to which it knows of resizes."""

    checkpoint: Checkpoint
    place: Position


def load_screen(directory: Path) -> Optional[SavedScreen]:
    """The last screen saved in a session's directory, or None."""
    try:
        value = json.loads(zlib.decompress((directory / NAME).read_bytes()))
        base, at = value["index"]
        return SavedScreen(value["screen"], Position(int(base), int(at)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, zlib.error) as error:
        log.warning("%s: the saved screen cannot be read: %s", directory.name, error)
        return None


def save_screen(directory: Path, screen: SavedScreen) -> None:
    """Replace the saved screen at once and whole; a directory that is gone or a full disk is only logged.

    No fsync: after a power cut zlib's checksum tells a torn file from a whole one.
    """
    value = {"screen": screen.checkpoint, "index": screen.place}
    data = zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)
    beside = directory / f".{NAME}.{os.getpid()}"
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(data)
        os.replace(beside, directory / NAME)
    except OSError as error:
        log.warning("%s: the screen cannot be saved: %s", directory.name, error)
