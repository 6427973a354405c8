"""Who listens at a unix socket of this machine: nothing is said to anybody but ourselves and root."""

from __future__ import annotations

import os
import socket
import struct


def stranger_at(sock: socket.socket) -> int | None:
    """The user who listens there, where that is neither ourselves nor root; None, too, where the system does not tell
    (SO_PEERCRED, unix(7)).
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    uid = int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))[1])
    return None if uid in (0, os.getuid()) else uid
