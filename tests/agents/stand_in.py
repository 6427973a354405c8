"""The model's API behind the coding agents: a program on loopback that answers what it is asked in one fixed way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.agents.programs import STAND_IN


class StandIn:
    """One such API. While it is held it takes requests and does not answer: the agent works."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        env = {**os.environ, "MOCK_PORT": str(self._port)}
        self._process = subprocess.Popen([sys.executable, str(STAND_IN)], env=env)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @contextmanager
    def held(self) -> Iterator[None]:
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the stand-in does not answer"
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def open_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    try:
        stand_in.wait_ready()
        yield stand_in
    finally:
        stand_in.close()
