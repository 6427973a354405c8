"""Files of the operator's machine on their way into the queue with a job, and out of it with the result. Blocks."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from node_agent.protocol.files import MOST_BYTES
from relaytui.hub.jobs.model import JobSpec, KeptFile, Transfer
from relaytui.hub.jobs.queue import JobQueue, QueueError
from relaytui.hub.jobs.transfers import pieces_of


class FileError(QueueError):
    """A file of this machine cannot be read or written; one line."""


def staged(queue: JobQueue, spec: JobSpec) -> JobSpec:
    """The same job, the files it sends stored as they are now. Raises FileError."""
    return replace(spec, send=tuple(_stage(queue, file) for file in spec.send))


def _stage(queue: JobQueue, file: Transfer) -> Transfer:
    try:
        # Without blocking: the other end of a pipe may never come.
        descriptor = os.open(file.local, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            os.close(descriptor)
            raise FileError(_unfit(file.local, status))
        with os.fdopen(descriptor, "rb") as content:
            sha256, size = _store(queue, content)
    except OSError as error:
        raise FileError(f"{file.local} cannot be read: {error.strerror}; correct the path") from error
    return replace(file, sha256=sha256, size=size, executable=bool(status.st_mode & stat.S_IXUSR))


def _unfit(path: str, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is no regular file; pack a directory into one"
    return f"{path} has {status.st_size} bytes, {MOST_BYTES} at most are carried; split it"


def _store(queue: JobQueue, content: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces_of(content):
        digest.update(piece)
        size += len(piece)
    sha256 = digest.hexdigest()
    if queue.begin_content(sha256, size, time.time()):
        content.seek(0)
        again = hashlib.sha256()
        for number, piece in enumerate(pieces_of(content)):
            again.update(piece)
            queue.add_piece(sha256, number, piece)
        if again.hexdigest() != sha256:
            raise FileError("a file changes while it is read; submit again")
        queue.finish_content(sha256)
    return sha256, size


def write_out(queue: JobQueue, kept: KeptFile, place: Path) -> None:
    """Write a kept file to `place`, whole or not at all. Raises FileError, or QueueError where it is kept no more."""
    hidden = place.with_name(f".{place.name[:100]}.{secrets.token_hex(6)}.part")
    digest = hashlib.sha256()
    try:
        mode = 0o777 if kept.file.executable else 0o666  # less the umask, as for any file of the operator's
        with open(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as content:
            number = 0
            while piece := queue.piece(kept.file.sha256, number):
                digest.update(piece)
                content.write(piece)
                number += 1
        if digest.hexdigest() != kept.file.sha256:
            raise FileError(f"{kept.file.remote}: what the queue kept is damaged; run the job again")
        hidden.replace(place)
    except OSError as error:
        raise FileError(f"{place} cannot be written: {error.strerror}; name another place") from error
    finally:
        hidden.unlink(missing_ok=True)
