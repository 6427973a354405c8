"""Takes the looks that kernel evidence needs: directly, and through the keeper where only an ancestor may look.

Owns the reading of /proc and of inner terminals' modes; `node_agent.detect` decodes and judges.
"""

from __future__ import annotations

import os
import sys
import termios
from typing import Awaitable, Callable, List, Optional, Protocol

from node_agent.detect.evidence import KernelEvidence, Pulse, Termios, Wait
from node_agent.detect.kernel import examine
from node_agent.detect.looks import Look, Op, Seen, Unseen

_READ_LIMIT = 16384
_MOST_WATCHED = 16  # threads of one session; more belong to an event loop, which never rests for long
_NO_EVIDENCE = KernelEvidence(Wait.UNREADABLE)


class ProcReader(Protocol):
    """Takes one look at once."""

    def look(self, look: Look) -> Seen: ...


KeeperLook = Callable[[Look], Awaitable[Seen]]
"""Takes one look through the keeper, for what this process may not read itself."""


class DirectReader:
    """Reads /proc with this process's own rights."""

    def look(self, look: Look) -> Seen:
        try:
            return self._take(look)
        except PermissionError:
            return Unseen.REFUSED
        except (OSError, OverflowError, ValueError):  # gone meanwhile, or an address outside the process
            return Unseen.GONE

    def _take(self, look: Look) -> bytes:
        path = f"/proc/{look.pid}/{look.name}"
        if look.op is Op.LINK:
            return os.fsencode(os.readlink(path))
        if look.op is Op.LIST:
            return os.fsencode("\n".join(os.listdir(path)))
        if look.op is Op.MEMORY:
            path = f"/proc/{look.pid}/mem"
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if look.op is Op.MEMORY:
                return os.pread(fd, look.length, look.address)
            return os.read(fd, _READ_LIMIT)
        finally:
            os.close(fd)


class RefusingReader:
    """Refuses what needs the right to trace a process: a container, another user's or a setuid program.

    Names and states stay readable, as they do for an ordinary user.
    """

    def __init__(self, reader: Optional[ProcReader] = None) -> None:
        self._reader = reader or DirectReader()

    def look(self, look: Look) -> Seen:
        traced = look.op in (Op.LINK, Op.MEMORY) or look.name.startswith("fd") or look.name.endswith("/syscall")
        return Unseen.REFUSED if traced else self._reader.look(look)


class PulseWatch:
    """Tells whether any of the threads of a look has run since, for a microsecond a thread: their files stay open."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._files: List[int] = []

    @property
    def is_possible(self) -> bool:
        return 0 < len(self._pulse) <= _MOST_WATCHED

    def has_moved(self) -> bool:
        """Whether another look may find something else; also where that cannot be told."""
        if not self.is_possible:
            return True
        try:
            if not self._files:
                for pid, thread, _ in self._pulse:
                    self._files.append(os.open(f"/proc/{pid}/task/{thread}/schedstat", os.O_RDONLY | os.O_CLOEXEC))
            return any(os.pread(fd, 128, 0) != ran for fd, (_, _, ran) in zip(self._files, self._pulse))
        except OSError:  # it ended, or no more files may be opened
            self.close()
            return True

    def close(self) -> None:
        for fd in self._files:
            os.close(fd)
        self._files.clear()


class Prober:
    """Looks at one session's foreground group. Not on Linux it finds nothing, and detection goes by what is left.

    Where nothing ran since the last look, that look is the answer. `looks` counts what the last one took.
    """

    def __init__(self, leader: int, reader: Optional[ProcReader] = None, keeper: Optional[KeeperLook] = None) -> None:
        self._leader = leader
        self._reader = reader or DirectReader()
        self._keeper = keeper
        self._last_reader = 0
        self._machine = os.uname().machine
        self.last = _NO_EVIDENCE
        self.pulse = PulseWatch(())
        self.looks = 0

    def probe(self) -> KernelEvidence:
        """Look now, with this process's own rights."""
        if not sys.platform.startswith("linux"):
            return _NO_EVIDENCE
        if self.is_current:
            return self.last
        steps = examine(self._leader, self._machine, self._last_reader)
        seen: Optional[Seen] = None
        self.looks = 0
        try:
            while True:
                look = next(steps) if seen is None else steps.send(seen)
                seen = self._reader.look(look)
                self.looks += 1
        except StopIteration as done:
            return self._remember(done.value)

    async def probe_with_keeper(self) -> KernelEvidence:
        """Look now; what is refused here is asked of the keeper."""
        if self._keeper is None or not sys.platform.startswith("linux"):
            return self.probe()
        if self.is_current:
            return self.last
        steps = examine(self._leader, self._machine, self._last_reader)
        seen: Optional[Seen] = None
        self.looks = 0
        try:
            while True:
                look = next(steps) if seen is None else steps.send(seen)
                seen = self._reader.look(look)
                self.looks += 1
                if seen is Unseen.REFUSED:
                    seen = await self._keeper(look)
        except StopIteration as done:
            return self._remember(done.value)

    @property
    def is_current(self) -> bool:
        """Whether another look would find what the last one did: every thread slept then, and none ran since."""
        return not self.last.is_running and not self.pulse.has_moved()

    def close(self) -> None:
        """Give back the files of the pulse."""
        self.pulse.close()

    def _remember(self, evidence: KernelEvidence) -> KernelEvidence:
        self.last = evidence
        self.pulse.close()
        self.pulse = PulseWatch(evidence.pulse)
        reader = evidence.reader
        self._last_reader = reader.pid if evidence.wait is Wait.READING and reader is not None else 0
        return evidence


def read_termios(fd: int) -> Optional[Termios]:
    """The modes of the terminal open at `fd`, a master or a slave; None when there is none."""
    try:
        local_modes = termios.tcgetattr(fd)[3]
    except (OSError, termios.error):
        return None
    return Termios(bool(local_modes & termios.ICANON), bool(local_modes & termios.ECHO))


def inner_termios(evidence: KernelEvidence) -> Optional[Termios]:
    """The modes of the inner terminal a nested reader reads; None when it may not be opened."""
    if not evidence.nested or not evidence.tty:
        return None
    try:
        fd = os.open(evidence.tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return read_termios(fd)
    finally:
        os.close(fd)
