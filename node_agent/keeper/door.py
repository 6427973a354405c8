"""Where peers come in: the listening socket, who is let in, and under which number."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Callable, Dict, Tuple

from node_agent.keeper.claim import bind
from node_agent.keeper.control import Frame
from node_agent.keeper.log import log
from node_agent.keeper.loop import READ, Loop
from node_agent.keeper.peer import Peer

_BACKLOG = 128


class Door:
    """`peers` holds who is connected, by number; `path` is where the socket is found."""

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        path: str,
        received: Callable[[Peer, Frame], None],
        left: Callable[[], None],
    ) -> None:
        self.peers: Dict[int, Peer] = {}
        self.listener = listener
        self.path = path
        self._loop = loop
        self._received = received
        self._left = left
        self._last = 0

    def open(self) -> None:
        self.listener.setblocking(False)
        self.listener.listen(_BACKLOG)
        self._loop.watch(self.listener.fileno(), READ, lambda _: self._accept())

    def move(self, path: str) -> None:
        """Listen at another path from now on; who is connected stays so."""
        try:
            listener = bind(path)
        except OSError as error:
            log(f"cannot listen at {path}: {error.strerror}")
            return
        self._loop.forget(self.listener.fileno())
        self.listener.close()
        self.listener, self.path = listener, path
        self.open()
        log(f"moved to {path}")

    def add(self, connection: socket.socket, pid: int, number: int) -> Peer:
        """Take a connection in under a number of its own."""
        self._last = max(self._last, number)
        peer = Peer(number, connection, pid, self._loop, self._received, self._lost)
        self.peers[number] = peer
        return peer

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # none is waiting, or it has gone, or descriptors have run out
                return
            pid, uid = _identify(connection)
            if uid in (os.geteuid(), 0):
                self.add(connection, pid, self._last + 1).begin()
            else:
                connection.close()

    def _lost(self, peer: Peer) -> None:
        self.peers.pop(peer.number, None)
        self._left()


def _identify(connection: socket.socket) -> Tuple[int, int]:
    """(pid, uid) of the other end; the socket's directory alone guards where the kernel does not tell."""
    if sys.platform != "linux":
        return 0, os.geteuid()
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid
