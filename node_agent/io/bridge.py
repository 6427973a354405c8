"""Joins stdin and stdout to the agent's socket, for an SSH connection that may not forward sockets."""

from __future__ import annotations

import os
import select
import socket
from typing import Dict

CHUNK = 64 * 1024


def bridge(connection: socket.socket, stdin: int = 0, stdout: int = 1) -> int:
    """Copy both ways until the agent hangs up or nobody reads; the exit code. Nothing else is printed."""
    connection.setblocking(True)
    sources: Dict[int, bool] = {stdin: True, connection.fileno(): False}
    poller = select.poll()
    for source in sources:
        poller.register(source, select.POLLIN)
    while True:
        for source, _ in poller.poll():
            is_stdin = sources[source]
            try:
                data = os.read(source, CHUNK)
            except OSError:
                data = b""
            if not data:
                if not is_stdin:
                    return 0
                poller.unregister(source)
                _shut(connection)
                continue
            try:
                if is_stdin:
                    connection.sendall(data)
                else:
                    _write_all(stdout, data)
            except OSError:
                return 0


def _shut(connection: socket.socket) -> None:
    """The client is done: the agent sees the end of its input and hangs up."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
