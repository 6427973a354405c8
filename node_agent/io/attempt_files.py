"""Files of job attempts on this node's disk: where a path leads, how one appears, how one is read.

Nothing here needs rights that the node's user lacks. The checks keep a job's files where its submitter said they are,
and what blocks (a pipe, a dead file server) is left to threads that serve nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import time
from pathlib import Path
from typing import NamedTuple

from node_agent.protocol.errors import ErrorCode, RequestError

_BLOCK = 1024 * 1024
_PART = ".part"
_LEFT_OVER_AFTER = 600.0


def expanded(path: str) -> Path:
    """The path, with the home directory for a leading `~`."""
    return Path(os.path.expanduser(path))


def place_of(directory: Path, path: str) -> Path:
    """The file that `path` of an attempt in `directory` names.

    A relative one stays inside, also through symbolic links; raises RequestError (`bad_request`) for others.
    """
    if not path or "\0" in path or path.endswith("/"):
        raise RequestError(ErrorCode.BAD_REQUEST, f"{path!r} names no file")
    if expanded(path).is_absolute():
        return expanded(path)
    place = directory / path
    inside = Path(os.path.realpath(directory))
    if ".." in Path(path).parts or inside not in (
        Path(os.path.realpath(place)),
        *Path(os.path.realpath(place)).parents,
    ):
        raise RequestError(ErrorCode.BAD_REQUEST, f"{path} leads out of the job's directory; name it by its whole path")
    return place


class Incoming:
    """A file on its way into its place: written beside it, and moved there when it is whole."""

    def __init__(self, place: Path, size: int, sha256: str, executable: bool) -> None:
        """Raises RequestError."""
        self._place = place
        self._left = size
        self._sha256 = sha256
        self._hash = hashlib.sha256()
        hidden = f".{place.name[:100]}."
        self._hidden = place.with_name(f"{hidden}{secrets.token_hex(6)}{_PART}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_over(place.parent, hidden)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._hidden, flags, 0o700 if executable else 0o600)
        except OSError as error:
            raise _refusal(place, error) from error

    @property
    def left(self) -> int:
        """Bytes that are still to come."""
        return self._left

    def write(self, data: bytes) -> None:
        """Raises RequestError for more than was announced or where the disk refuses."""
        if len(data) > self._left:
            raise RequestError(ErrorCode.BAD_REQUEST, f"{self._place}: more came than was announced")
        self._hash.update(data)
        self._left -= len(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise _refusal(self._place, error) from error

    def settle(self) -> None:
        """Have the file appear; raises RequestError for one that is not what was announced."""
        if self._left or self._hash.hexdigest() != self._sha256:
            raise RequestError(ErrorCode.BAD_REQUEST, f"{self._place}: what came is not what was announced")
        try:
            os.fsync(self._file)
            self._hidden.replace(self._place)
        except OSError as error:
            raise _refusal(self._place, error) from error

    def close(self) -> None:
        """Let go of it; what has not settled leaves nothing behind."""
        os.close(self._file)
        with contextlib.suppress(OSError):
            self._hidden.unlink()


class Outgoing(NamedTuple):
    """A file to be read, as it was when it was opened."""

    descriptor: int
    size: int
    sha256: str
    executable: bool

    def read(self, at: int, most: int) -> bytes:
        """At most `most` bytes from `at` on, none beyond the size; raises RequestError."""
        try:
            return os.pread(self.descriptor, min(most, self.size - at), at)
        except OSError as error:
            raise RequestError(ErrorCode.BAD_REQUEST, f"the file cannot be read: {error.strerror}") from error

    def close(self) -> None:
        os.close(self.descriptor)


def open_outgoing(place: Path, most: int) -> Outgoing:
    """Open a regular file of at most `most` bytes; raises RequestError."""
    try:
        # Without blocking: the other end of a pipe may never come.
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refusal(place, error) from error
    try:
        return _looked_at(descriptor, place, most)
    except OSError as error:
        os.close(descriptor)
        raise _refusal(place, error) from error
    except BaseException:  # refused or a bug: the caller has no file to close
        os.close(descriptor)
        raise


def _looked_at(descriptor: int, place: Path, most: int) -> Outgoing:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise RequestError(ErrorCode.NO_FILE, f"{place} is no regular file; pack a directory into one")
    if status.st_size > most:
        raise RequestError(
            ErrorCode.BAD_REQUEST, f"{place} has {status.st_size} bytes, {most} at most are carried; split it"
        )
    digest, at = hashlib.sha256(), 0
    while at < status.st_size and (block := os.pread(descriptor, min(_BLOCK, status.st_size - at), at)):
        digest.update(block)
        at += len(block)
    if at < status.st_size:
        raise RequestError(ErrorCode.BUSY, f"{place} is being shortened; try again")
    return Outgoing(descriptor, status.st_size, digest.hexdigest(), bool(status.st_mode & stat.S_IXUSR))


def _remove_left_over(directory: Path, beginning: str) -> None:
    """Remove what an agent that was killed has left of a file; one that is on its way is written to all the time."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(beginning) and entry.name.endswith(_PART)]
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            path = directory / name
            if time.time() - path.stat().st_mtime > _LEFT_OVER_AFTER:
                path.unlink()


def _refusal(place: Path, error: OSError) -> RequestError:
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return RequestError(ErrorCode.NO_FILE, f"there is no file {place} on this node")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RequestError(ErrorCode.DISK_FULL, f"{place}: {reason}")
    return RequestError(ErrorCode.BAD_REQUEST, f"{place}: {reason}")
