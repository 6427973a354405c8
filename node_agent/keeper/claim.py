"""The claim on a state directory: the lock held for life, and the socket where its holder is found.

A runtime directory may vanish under a keeper (a logout removes it), and then nobody could reach its sessions. So
whoever finds the lock taken and nobody at the socket asks the holder to move there.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import time
from typing import Optional

_STARTING_SECONDS = 0.5
"""How long a holder that does not answer is taken to be one that has only just begun."""

_MOVE_SECONDS = 5.0


def take_lock(state: str) -> Optional[int]:
    """Hold the state directory for this process's life; None where another keeper does.

    Who finds it held may ask the holder to move by SIGUSR1, which is blocked from here on until it is heeded.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fd = os.open(os.path.join(state, "keeper.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    os.pwrite(fd, b"%020d\n" % os.getpid(), 0)
    return fd


def bind(path: str) -> socket.socket:
    """A socket at `path`, in place of one that nobody can be behind any more: the lock is ours."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        os.chmod(path, 0o600)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, path) from error
    return listener


def ask_to_move(state: str, path: str) -> bool:
    """Have the keeper that holds `state` listen at `path`; whether somebody does in the end."""
    if _answers_within(path, _STARTING_SECONDS):
        return True
    try:
        with open(os.path.join(state, "keeper.lock"), "rb") as file:
            holder = int(file.read())
        with open(_request(state), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(path)
        os.kill(holder, signal.SIGUSR1)
    except (OSError, ValueError):
        return False
    return _answers_within(path, _MOVE_SECONDS)


def asked_to_move(state: str) -> str:
    """Where the keeper of `state` was last asked to listen, "" if nowhere."""
    try:
        with open(_request(state), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _request(state: str) -> str:
    return os.path.join(state, "keeper.socket")


def _answers_within(path: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _answers(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
