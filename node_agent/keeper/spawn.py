"""Starts a child on a terminal of its own without ever waiting for it.

Between fork and exec the child may hang (a working directory on a dead file server), so what went wrong comes through
a pipe that the event loop watches: its end without a word means that the program runs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import termios
from typing import Dict, List, NamedTuple, NoReturn, Sequence, Tuple

from node_agent.keeper.control import Refused
from node_agent.keeper.terminal import open_terminal

_OOM_RAISE = 200
"""Children are likelier victims of a full memory than the keeper that holds all of them."""

_SIGNALS = signal.valid_signals()


class Origin(NamedTuple):
    """What the keeper was started with and its children get back."""

    umask: int
    nofile: Tuple[int, int]


class Child(NamedTuple):
    """A child on its way to its program; `report` ends, empty, when it has got there."""

    pid: int
    master: int
    report: int


def start_child(
    command: Sequence[str], cwd: str, env: Dict[str, str], columns: int, rows: int, origin: Origin
) -> Child:
    """Fork a session leader on a new terminal; raises OSError where processes or terminals have run out."""
    master, slave = open_terminal(columns, rows)
    try:
        report, report_writer = os.pipe()
    except OSError:
        os.close(master)
        os.close(slave)
        raise
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _become(command, cwd, env, slave, report_writer, origin)
    except OSError:
        os.close(master)
        os.close(report)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(slave)
        os.close(report_writer)
    os.set_blocking(report, False)
    return Child(pid, master, report)


def explain_failure(report: bytes, command: Sequence[str], cwd: str) -> Tuple[Refused, str]:
    """The refusal a child's last word stands for."""
    stage, _, number = report.decode("ascii", "replace").partition(" ")
    code = int(number) if number.isdigit() else 0
    why = os.strerror(code) if code else "it ended before its program ran"
    if stage == "cwd":
        return Refused.CWD_MISSING, f"cannot enter {cwd}: {why}"
    if stage == "exec" and code == errno.ENOENT:
        return Refused.COMMAND_NOT_FOUND, f"command not found: {command[0]}"
    if stage == "exec":
        return Refused.START_FAILED, f"cannot run {command[0]}: {why}"
    return Refused.START_FAILED, f"cannot start a process: {why}"


def _become(command: Sequence[str], cwd: str, env: Dict[str, str], slave: int, report: int, origin: Origin) -> NoReturn:
    """The child's side of the fork: turn into the program or say at which stage that failed."""
    stage, word = "start", "start 0"
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_DFL, None):
                signal.signal(number, signal.SIG_DFL)
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        _close_all_but(report)  # while this child hangs, no other session's terminal may hang on it
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.umask(origin.umask)
        resource.setrlimit(resource.RLIMIT_NOFILE, origin.nofile)
        _raise_oom_score()
        stage = "cwd"
        os.chdir(cwd)
        stage = "exec"
        os.execvpe(command[0], list(command), env)  # noqa: S606 - there is no shell: the command is a list
    except OSError as error:
        word = f"{stage} {error.errno or 0}"
    finally:
        os.write(report, word.encode("ascii"))
        os._exit(127)


def _close_all_but(kept: int) -> None:
    try:
        fds: List[int] = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        fds = list(range(3, 4096))
    for fd in fds:
        if fd > 2 and fd != kept:
            try:
                os.close(fd)
            except OSError:
                pass


def _raise_oom_score() -> None:
    try:
        with open("/proc/self/oom_score_adj", "r+", encoding="ascii") as file:
            score = int(file.read())
            file.seek(0)
            file.write(str(min(1000, score + _OOM_RAISE)))
    except (OSError, ValueError):
        pass
