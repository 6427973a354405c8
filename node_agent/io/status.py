"""What the exec probe of a new connection asks a machine: what is installed, what runs, where its socket is."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any, Dict, Optional

import node_agent
from node_agent.io.exchange import newer_agent
from node_agent.io.login import is_noexec, login_policy
from node_agent.io.paths import NodePaths, network_file_system
from node_agent.io.start import is_serving
from node_agent.protocol.version import PROTOCOL_MAX, PROTOCOL_MIN


def node_status(paths: NodePaths) -> Dict[str, Any]:
    """One JSON object for `node-agent probe`. Names are part of the contract with older and newer consoles."""
    running = is_serving(paths)
    system = platform.uname()
    return {
        "version": node_agent.__version__,
        "protocol": [PROTOCOL_MIN, PROTOCOL_MAX],
        "socket": str(paths.agent_socket),
        "state": str(paths.state),
        "running": running,
        "newer": newer_agent(paths) if running else "",
        "pid": _pid(paths.agent_lock) if running else None,
        "python": platform.python_version(),
        "uname": [system.system, system.node, system.release, system.machine],
        "runtime_dir": os.environ.get("XDG_RUNTIME_DIR", ""),
        "network_file_system": network_file_system(paths.state) or "",
        "disk_free": _free(paths.state),
        "noexec": is_noexec(paths.state),
        "time": time.time(),
        "user": _user(),
        **login_policy(_user()),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no passwd entry and no variable names this user
        return ""


def _pid(lock: Path) -> Optional[int]:
    """The process that holds the lock, as it wrote into it."""
    try:
        return int(lock.read_text())
    except (OSError, ValueError):
        return None


def _free(directory: Path) -> Optional[int]:
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None
