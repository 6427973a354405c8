"""Runs the demo: the console is a child process, so that whatever becomes of it, what was started is ended."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from relaytui.demo.stage import Stage


class _Ended(BaseException):
    """A signal told the demo to end."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number


def run_demo() -> int:
    """Run the demo until its console is left; returns the console's exit code. Raises LinkError or RequestError."""
    stage = Stage()
    with _signals_raise():
        try:
            asyncio.run(stage.set())
            return _run_console()
        except _Ended as ended:
            return ended.exit_code
        finally:
            with _signals_wait():
                asyncio.run(stage.strike())


def _run_console() -> int:
    console = subprocess.Popen([sys.executable, "-m", "relaytui"])
    try:
        code = console.wait()
        return code if code >= 0 else 128 - code
    finally:
        if console.poll() is None:
            console.terminate()
            try:
                console.wait(timeout=5)
            except subprocess.TimeoutExpired:
                console.kill()
                console.wait()


@contextmanager
def _signals_raise() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended(number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Whoever is impatient must not leave half of it behind."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
