"""Versions and the preamble: one line that says what follows and which versions of it are spoken.

The node speaks first, and whoever connects scans for the line, so that a login banner before it does no harm.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from node_agent.protocol.errors import RemoteProtocolError

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1

MAGIC = b"RELAYTUI-NODE"
MAX_BANNER = 64 * 1024
"""Bytes before the magic line that are skipped; more is not a banner."""
_MAX_LINE = 256


class Versions(NamedTuple):
    """The lowest and highest protocol version a side speaks."""

    lowest: int = PROTOCOL_MIN
    highest: int = PROTOCOL_MAX


def preamble(versions: Versions = Versions()) -> bytes:  # noqa: B008 - an immutable tuple
    """The line each side sends before its first frame."""
    return b"%s %d %d\n" % (MAGIC, versions.lowest, versions.highest)


def agree(ours: Versions, theirs: Versions) -> Optional[int]:
    """The highest version both speak, or None."""
    common = min(ours.highest, theirs.highest)
    return common if common >= max(ours.lowest, theirs.lowest) else None


def release(version: str) -> Tuple[int, ...]:
    """The numbers of a program's version; empty for what is no release."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def is_later(version: str, than: str) -> bool:
    """Whether a program's version is a later release than another; false where one of them is none."""
    ours, theirs = release(than), release(version)
    return bool(ours) and theirs > ours


class PreambleReader:
    """Finds the preamble in a stream that may start with a banner.

    `feed` returns None until the line is complete; then `versions` and `rest` (bytes after the line) are set and
    `banner` holds what came before it. Raises RemoteProtocolError when no line comes within `MAX_BANNER` bytes.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self.banner = b""
        self.rest = b""

    def feed(self, data: bytes) -> Optional[Versions]:
        self._buffer += data
        start = self._find_line()
        if start is None:
            if len(self._buffer) > MAX_BANNER:
                raise RemoteProtocolError("no node agent answered: only other text came from the machine")
            return None
        end = self._buffer.find(b"\n", start)
        if end < 0:
            if len(self._buffer) - start > _MAX_LINE:
                raise RemoteProtocolError("the node agent's first line is too long")
            return None
        words = self._buffer[start:end].split()
        if len(words) < 3 or not (words[1].isdigit() and words[2].isdigit()) or max(map(len, words[1:3])) > 6:
            raise RemoteProtocolError("the node agent's first line names no versions")
        self.banner, self.rest = self._buffer[:start], self._buffer[end + 1 :]
        return Versions(int(words[1]), int(words[2]))

    def _find_line(self) -> Optional[int]:
        """Where the magic word starts a line, or None."""
        at = self._buffer.find(MAGIC + b" ")
        while at > 0 and self._buffer[at - 1] not in b"\r\n":
            at = self._buffer.find(MAGIC + b" ", at + 1)
        return at if at >= 0 else None
