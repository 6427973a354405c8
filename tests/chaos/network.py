"""A private network with a loopback of its own, in which packets can be lost; Linux and root only."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_CLONE_NEWNET = 0x40000000


@contextmanager
def private_network() -> Iterator[None]:
    """This thread and what it starts are in a network namespace of their own; skips where that cannot be."""
    if os.geteuid() != 0 or not all(shutil.which(tool, path="/sbin:/usr/sbin:/bin:/usr/bin") for tool in _TOOLS):
        pytest.skip(f"a private network needs root and {', '.join(_TOOLS)}")
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET) != 0:
            pytest.skip(f"no private network here: {os.strerror(ctypes.get_errno())}")
        try:
            _run("ip", "link", "set", "lo", "up")
            if not _is_allowed("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP"):
                pytest.skip("iptables does not work here")
            yield
        finally:
            assert libc.setns(before, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(before)


def lose_packets(port: int, share: float) -> None:
    """Lose this share of the TCP packets to and from `port` from now on."""
    _run("iptables", "-F", "INPUT")
    chance = ["-m", "statistic", "--mode", "random", "--probability", str(share)] if 0 < share < 1 else []
    for side in ("--dport", "--sport") if share else ():
        _run("iptables", "-A", "INPUT", "-p", "tcp", side, str(port), *chance, "-j", "DROP")


_TOOLS = ("ip", "iptables")
_ENV = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin"}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, env=_ENV, timeout=30)


def _is_allowed(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, env=_ENV, timeout=30).returncode == 0
