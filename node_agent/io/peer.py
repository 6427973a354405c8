"""Who is at the other end of a unix socket."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Optional

_XUCRED = struct.Struct("=II")  # sys/ucred.h of macOS: version, uid, then groups
_LOCAL_PEERCRED = 1
_SOL_LOCAL = 0


def peer_uid(connection: socket.socket) -> Optional[int]:
    """The user at the other end, or None where the system does not tell."""
    try:
        if sys.platform == "darwin":
            data = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 256)
            return int(_XUCRED.unpack_from(data)[1])
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", data)[1])
    except (OSError, AttributeError, struct.error):
        return None


def may_connect(uid: Optional[int]) -> bool:
    """Whether a peer may command this node: its own user, root, or one that only the socket's mode could judge."""
    return uid is None or uid in (0, os.geteuid())
