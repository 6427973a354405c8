"""Requests that carry the files of a job's attempt to its node before the start and back after the end.

A file travels as raw frames of a stream: INPUT frames towards the node, each acknowledged when it is written and the
last when the whole file is in its place; BYTES frames from it, from an offset on. A path is relative to the attempt's
directory and stays inside, unless it is absolute or begins with `~`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Type

from node_agent.protocol.message import Request
from node_agent.protocol.streams import StreamOpened

MOST_BYTES = 256 * 1024 * 1024
"""The largest file that is carried; larger ones are for tools made for that."""


@dataclass(frozen=True)
class FileOpened(StreamOpened):
    """`head` is the file's size; stream 0 says that nothing is to be sent, as the attempt was started already."""

    sha256: str = ""
    executable: bool = False


@dataclass(frozen=True)
class PutFile(Request):
    """Place a file for an attempt that has not started. It appears whole or not at all, and replaces what was there."""

    op: ClassVar[str] = "file.put"
    reply: ClassVar[Type[Any]] = FileOpened
    job: str
    token: int
    path: str
    size: int
    sha256: str
    executable: bool = False
    directory: str = ""  # the attempt's; "" one of its own


@dataclass(frozen=True)
class GetFile(Request):
    """Read a regular file an attempt left; refused with `no_file` where there is none."""

    op: ClassVar[str] = "file.get"
    reply: ClassVar[Type[Any]] = FileOpened
    job: str
    token: int
    path: str
    directory: str = ""
    offset: int = 0
    window: int = 1024 * 1024  # bytes in flight before an ACK
