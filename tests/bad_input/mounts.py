"""File systems that misbehave, for tests run as root on Linux; elsewhere the tests that need them are skipped."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MNT_DETACH = 2


def _mount(source: str, target: Path, kind: str, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), os.fsencode(target), kind.encode(), 0, options.encode()) != 0:
        pytest.skip(f"{kind} cannot be mounted here: {os.strerror(ctypes.get_errno())}")


def _unmount(target: Path) -> None:
    ctypes.CDLL(None).umount2(os.fsencode(target), _MNT_DETACH)


@contextmanager
def tiny(directory: Path) -> Iterator[Path]:
    """A file system that is full from the start."""
    directory.mkdir()
    _mount("tiny", directory, "tmpfs", "size=16k,mode=700")
    try:
        with open(directory / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass
        yield directory
    finally:
        _unmount(directory)


@contextmanager
def hanging(directory: Path) -> Iterator[Path]:
    """A file system that never answers, as a dead file server's does not (fuse(4), its daemon silent)."""
    directory.mkdir()
    try:
        server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"/dev/fuse cannot be opened here: {error.strerror}")
    try:
        _mount("hanging", directory, "fuse", f"fd={server},rootmode=40000,user_id=0,group_id=0")
        yield directory
    finally:
        os.close(server)  # whoever waits gets ENOTCONN
        _unmount(directory)
