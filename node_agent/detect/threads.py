"""Decodes what one thread is blocked on from /proc/PID/task/TID/syscall and the arguments in its memory.

Takes each thread's pulse on the way, by which a later look can be spared.
"""

from __future__ import annotations

import enum
import re
import struct
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from node_agent.detect.evidence import Pulse, Wait
from node_agent.detect.looks import Look, Op, Steps, Unseen

_MAX_FDS = 64
_MAX_SELECT = 1024
_MAX_OPEN_FILES = 64  # an event loop makes its epoll set before it opens much else
_POLLIN = 1
_UNCOUNTED = b"0 0 0"  # a kernel that keeps no scheduler statistics says so of everybody
_EPOLLIN = 1


class Call(enum.Enum):
    """System calls a thread can wait for a terminal in."""

    READ = "read"
    POLL = "poll"  # timeout in milliseconds
    PPOLL = "ppoll"  # timespec
    SELECT = "select"  # timeval
    PSELECT = "pselect"  # timespec
    EPOLL = "epoll_wait"  # timeout in milliseconds
    EPOLL2 = "epoll_pwait2"  # timespec
    SLEEP = "sleep"  # asleep, or waiting for a child: takes no input before it returns


_X86_64 = {
    0: Call.READ,
    19: Call.READ,
    7: Call.POLL,
    271: Call.PPOLL,
    23: Call.SELECT,
    270: Call.PSELECT,
    232: Call.EPOLL,
    281: Call.EPOLL,
    441: Call.EPOLL2,
    35: Call.SLEEP,
    61: Call.SLEEP,
    230: Call.SLEEP,
    247: Call.SLEEP,
    219: Call.POLL,  # restart_syscall: a poll that a stop interrupted keeps its registers
}
_AARCH64 = {
    63: Call.READ,
    65: Call.READ,
    73: Call.PPOLL,
    72: Call.PSELECT,
    22: Call.EPOLL,
    441: Call.EPOLL2,
    95: Call.SLEEP,
    101: Call.SLEEP,
    115: Call.SLEEP,
    260: Call.SLEEP,
    128: Call.PPOLL,
}
CALLS: Dict[str, Dict[int, Call]] = {"x86_64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}


class ThreadWait(NamedTuple):
    """A wait for the terminal; `timeout` in seconds, None for ever."""

    wait: Wait
    timeout: Optional[float] = None


class Threads:
    """Decodes threads of one machine architecture; an unknown one reads as unreadable."""

    def __init__(self, machine: str) -> None:
        self._calls = CALLS.get(machine)
        self._ran: Dict[Tuple[int, str], bytes] = {}

    @property
    def pulse(self) -> Pulse:
        """Of every thread whose pulse was taken; empty when one could not be."""
        return () if b"" in self._ran.values() else tuple((*thread, ran) for thread, ran in self._ran.items())

    def take_pulse(self, pid: int, thread: str) -> Steps[None]:
        """Note how much the thread has run. To be done before it is looked at: what it does later then shows."""
        if (pid, thread) not in self._ran:
            ran = yield Look(Op.READ, pid, f"task/{thread}/schedstat")
            self._ran[pid, thread] = ran if isinstance(ran, bytes) and ran.strip() != _UNCOUNTED else b""

    def wait(self, pid: int, thread: str, tty: str) -> Steps[Optional[ThreadWait]]:
        """What the thread does with `tty`; NOBODY when it sleeps, None when it does something else."""
        if self._calls is None:
            return ThreadWait(Wait.UNREADABLE)
        yield from self.take_pulse(pid, thread)
        line = yield Look(Op.READ, pid, f"task/{thread}/syscall")
        if line is Unseen.REFUSED:
            return ThreadWait(Wait.UNREADABLE)
        words = line.split() if isinstance(line, bytes) else []
        if len(words) < 7:  # "running", "-1 SP PC" or gone
            return None
        call = self._calls.get(int(words[0]))
        arguments = [int(word, 16) for word in words[1:7]]
        if call is Call.SLEEP:
            return ThreadWait(Wait.NOBODY)
        if call is Call.READ:
            reads = yield from _is_tty(pid, arguments[0], tty)
            return ThreadWait(Wait.READING) if reads else None
        if call in (Call.POLL, Call.PPOLL):
            return (yield from _poll(pid, call, arguments, tty))
        if call in (Call.SELECT, Call.PSELECT):
            return (yield from _select(pid, call, arguments, tty))
        if call in (Call.EPOLL, Call.EPOLL2):
            if not (yield from _epoll_holds(pid, arguments[0], tty)):
                return None
            timeout = _milliseconds(arguments[3]) if call is Call.EPOLL else (yield from _timespec(pid, arguments[3]))
            return ThreadWait(Wait.EVENT_LOOP, timeout)
        return None

    def watches_in_epoll(self, pid: int, tty: str) -> Steps[bool]:
        """Whether any epoll set of the process holds the terminal, waited in or not."""
        listing = yield Look(Op.LIST, pid, "fd")
        if not isinstance(listing, bytes):
            return False
        for fd in listing.split(b"\n")[:_MAX_OPEN_FILES]:
            target = yield Look(Op.LINK, pid, f"fd/{fd.decode()}")
            if isinstance(target, bytes) and b"[eventpoll]" in target and (yield from _epoll_holds(pid, int(fd), tty)):
                return True
        return False


def _poll(pid: int, call: Call, arguments: Sequence[int], tty: str) -> Steps[Optional[ThreadWait]]:
    data = yield Look(Op.MEMORY, pid, address=arguments[0], length=8 * min(arguments[1], _MAX_FDS))
    if data is Unseen.REFUSED:
        return ThreadWait(Wait.UNREADABLE)
    entries = struct.iter_unpack("=ihh", data[: len(data) // 8 * 8]) if isinstance(data, bytes) else iter(())
    fds = [fd for fd, events, _ in entries if fd >= 0 and events & _POLLIN]
    if not (yield from _any_tty(pid, fds, tty)):
        return None
    timeout = _milliseconds(arguments[2]) if call is Call.POLL else (yield from _timespec(pid, arguments[2]))
    return ThreadWait(Wait.POLLING, timeout)


def _select(pid: int, call: Call, arguments: Sequence[int], tty: str) -> Steps[Optional[ThreadWait]]:
    count = min(arguments[0], _MAX_SELECT)
    data = (yield Look(Op.MEMORY, pid, address=arguments[1], length=(count + 63) // 64 * 8)) if arguments[1] else b""
    if data is Unseen.REFUSED:
        return ThreadWait(Wait.UNREADABLE)
    bits = int.from_bytes(data, "little") if isinstance(data, bytes) else 0
    fds = [fd for fd in range(count) if bits >> fd & 1]
    if not (yield from _any_tty(pid, fds, tty)):
        return None
    fraction = 1e9 if call is Call.PSELECT else 1e6
    return ThreadWait(Wait.POLLING, (yield from _timespec(pid, arguments[4], fraction)))


def _any_tty(pid: int, fds: List[int], tty: str) -> Steps[bool]:
    for fd in fds[:_MAX_FDS]:
        if (yield from _is_tty(pid, fd, tty)):
            return True
    return False


def _is_tty(pid: int, fd: int, tty: str) -> Steps[bool]:
    target = yield Look(Op.LINK, pid, f"fd/{fd}")
    return isinstance(target, bytes) and target.decode("utf-8", "replace") in (tty, "/dev/tty")


def _epoll_holds(pid: int, epoll: int, tty: str) -> Steps[bool]:
    info = yield Look(Op.READ, pid, f"fdinfo/{epoll}")
    if not isinstance(info, bytes):
        return False
    registered = re.findall(rb"tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)", info)
    fds = [int(fd) for fd, events in registered if int(events, 16) & _EPOLLIN]
    return (yield from _any_tty(pid, fds, tty))


def _milliseconds(argument: int) -> Optional[float]:
    """A C int in a register: negative is for ever."""
    value = argument & 0xFFFFFFFF
    return None if value & 0x80000000 else value / 1000.0


def _timespec(pid: int, address: int, fraction: float = 1e9) -> Steps[Optional[float]]:
    if not address:
        return None
    data = yield Look(Op.MEMORY, pid, address=address, length=16)
    if not isinstance(data, bytes) or len(data) < 16:
        return None
    seconds, part = struct.unpack("=qq", data)
    return float(seconds + part / fraction)
