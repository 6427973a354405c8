"""What is known about a session at one moment: the values the fusion speaks in.

Owns no judgement. Times are monotonic seconds chosen by the caller.
"""

from __future__ import annotations

import enum
from typing import FrozenSet, NamedTuple, Optional, Tuple


class Wait(enum.Enum):
    """What the foreground process group does with its terminal, as the kernel sees it."""

    READING = "read"  # a thread is blocked in read(tty)
    POLLING = "poll"  # a thread is blocked in poll or select, the tty among what it waits for
    EVENT_LOOP = "event loop"  # the tty is registered in an epoll set
    NOBODY = "nobody"  # every thread was looked at and none waits for the tty
    UNREADABLE = "unreadable"  # the kernel was not asked or did not answer


class Program(NamedTuple):
    """A process by what people call it.

    `script` is the file, module or "-c" an interpreter was given, so that `python3 deploy.py` is known as deploy.py
    and never taken for a REPL.
    """

    pid: int
    name: str
    script: str = ""

    @property
    def names(self) -> FrozenSet[str]:
        """Lower-case names rules may match."""
        return frozenset(name.lower() for name in (self.name, self.script) if name and name != "-c")

    @property
    def label(self) -> str:
        return self.script if self.script and self.script != "-c" else self.name


class Termios(NamedTuple):
    """The local modes that matter (termios(3)): line editing by the kernel, and echo."""

    icanon: bool
    echo: bool

    @property
    def is_hidden(self) -> bool:
        """Whether a line is read without echo: a password, whatever the text says."""
        return self.icanon and not self.echo


Pulse = Tuple[Tuple[int, str, bytes], ...]
"""How much each thread that was looked at had run by then: its process, its id, and its schedstat (proc(5)).

A thread that has not run since still waits for what it waited for."""


class KernelEvidence(NamedTuple):
    """One look at the foreground process group.

    `timeout` is of the poll in seconds, None for ever. `programs` has the reader first. `cpu` is what the looked-at
    processes have used so far, in seconds: two looks make a rate; `is_running` that one of them ran or waited for a
    processor at that moment, which still tells on a machine so busy that nobody gets far. `tty` is the terminal the
    reader reads, which is not the session's own when `nested`. `pulse` is empty where threads might not be looked at.
    """

    wait: Wait
    timeout: Optional[float] = None
    programs: Tuple[Program, ...] = ()
    cpu: float = 0.0
    is_running: bool = False
    nested: bool = False
    tty: str = ""
    pulse: Pulse = ()

    @property
    def reader(self) -> Optional[Program]:
        return self.programs[0] if self.programs else None


class Report(NamedTuple):
    """A program's own word on its state: "asking", "working", "idle" or "done"."""

    at: float
    state: str
    text: str
    source: str


class Fact(NamedTuple):
    """One piece of evidence as `explain` shows it."""

    source: str
    text: str
    at: float
