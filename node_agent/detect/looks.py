"""What decoding may ask of a process, and the answers: the seam between pure decoding and reading."""

from __future__ import annotations

import enum
from typing import Generator, NamedTuple, TypeVar, Union

T = TypeVar("T")


class Op(enum.Enum):
    """How a look is taken."""

    READ = "read"  # a file's first bytes
    LINK = "link"  # a link's target
    LIST = "list"  # a directory's names, one a line
    MEMORY = "memory"  # `length` bytes of the process at `address`


class Look(NamedTuple):
    """One read of /proc/PID/`name`, or of the process's memory."""

    op: Op
    pid: int
    name: str = ""
    address: int = 0
    length: int = 0


class Unseen(enum.Enum):
    """Why a look brought nothing."""

    GONE = "gone"
    REFUSED = "refused"


Seen = Union[bytes, Unseen]
Steps = Generator[Look, Seen, T]
