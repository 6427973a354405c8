"""Other processes: signals to a session's, and dumb reads of what the kernel tells about them.

Where Yama is on only an ancestor may read a process, and the keeper is the ancestor of every session. What is read
means nothing here; that a process belongs to a session is all that is checked.
"""

from __future__ import annotations

import os
import re
import signal
from typing import Collection, List, NamedTuple, Optional, Sequence

from node_agent.keeper.control import MAX_MEM_READ

MAX_FILE = 64 * 1024
_NAME = re.compile(
    r"(stat|status|statm|cmdline|comm|wchan|syscall|children|exe|cwd|fd|task|io|fd/\d+|fdinfo/\d+"
    r"|task/\d+/(stat|status|comm|wchan|syscall|children))"
)
_LINK = re.compile(r"exe|cwd|fd/\d+")
_MAX_DEPTH = 64


class Place(NamedTuple):
    """Where a process stands: its parent and its session (`ppid` and `session` of proc(5))."""

    parent: int
    session: int


def signal_process(pid: int, number: int) -> None:
    """Signal a process that may have ended or may not be ours to signal; 0 and 1 stand for no process."""
    if pid > 1:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def signal_group(group: int, number: int) -> None:
    """Signal a process group that may be gone; 0 and 1 stand for no group."""
    if group > 1:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            pass


def hang_up(leader: Optional[int], foreground: int) -> None:
    """Ask a session to end as a closing terminal and a shutdown do: HUP, CONT for the stopped, TERM."""
    for number in (signal.SIGHUP, signal.SIGCONT, signal.SIGTERM):
        if leader is not None:
            signal_process(leader, number)
        if foreground != leader:
            signal_group(foreground, number)


def kill_session(session: int) -> int:
    """KILL every process whose session id is `session`; returns how many there were.

    Through a pidfd where there is one, so that a number reused between look and signal is not hit.
    """
    if not os.path.isdir("/proc/self"):
        signal_group(session, signal.SIGKILL)
        return 0
    killed = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and _is_member(int(name), session):
            killed += _kill_member(int(name), session)
    return killed


def _is_member(pid: int, session: int) -> bool:
    try:
        if os.getsid(pid) != session:  # a hundredth of what reading /proc costs
            return False
    except ProcessLookupError:
        return False
    return read_place(pid) is not None  # else it is a zombie


def _kill_member(pid: int, session: int) -> int:
    if not hasattr(os, "pidfd_open"):
        signal_process(pid, signal.SIGKILL)
        return 1
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return 0
    try:
        if not _is_member(pid, session):
            return 0
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return 0
    finally:
        os.close(pidfd)
    return 1


def read_place(pid: int) -> Optional[Place]:
    """Where `pid` stands, or None when there is no such process (a zombie has ended)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if len(fields) < 4 or fields[0] in (b"Z", b"X") else Place(int(fields[1]), int(fields[3]))


def belongs_to(pid: int, leaders: Collection[int]) -> bool:
    """Whether `pid` descends from one of `leaders` or is in its session (an orphan of it still is)."""
    for _ in range(_MAX_DEPTH):
        if pid in leaders:
            return True
        place = read_place(pid)
        if place is None or pid <= 1:
            return False
        if place.session in leaders:
            return True
        pid = place.parent
    return False


def proc_read(pid: int, names: Sequence[str], leaders: Collection[int]) -> Optional[List[Optional[bytes]]]:
    """The named files of a process, None for each that cannot be read; None at all unless it belongs to `leaders`."""
    directory = _open_process(pid, leaders)
    if directory is None:
        return None
    try:
        return [_read_entry(directory, name) for name in names]
    finally:
        os.close(directory)


def mem_read(pid: int, address: int, length: int, leaders: Collection[int]) -> Optional[bytes]:
    """Memory of a process that belongs to `leaders`, else None; raises OSError where it cannot be read."""
    directory = _open_process(pid, leaders)
    if directory is None:
        return None
    try:
        memory = os.open("mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
        try:
            return os.pread(memory, min(length, MAX_MEM_READ), address)
        finally:
            os.close(memory)
    finally:
        os.close(directory)


def _open_process(pid: int, leaders: Collection[int]) -> Optional[int]:
    """The directory of a process that belongs to `leaders`: held before the check, so it stays the one checked."""
    try:
        directory = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    if belongs_to(pid, leaders):
        return directory
    os.close(directory)
    return None


def _read_entry(directory: int, name: str) -> Optional[bytes]:
    if not _NAME.fullmatch(name):
        return None
    try:
        if _LINK.fullmatch(name):
            return os.fsencode(os.readlink(name, dir_fd=directory))
        if name in ("fd", "task"):
            return "\n".join(_list_entries(directory, name)).encode("ascii")
        file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
        try:
            return os.read(file, MAX_FILE)
        finally:
            os.close(file)
    except OSError:
        return None


def _list_entries(directory: int, name: str) -> List[str]:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)
