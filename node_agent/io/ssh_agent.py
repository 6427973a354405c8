"""Keeps the operator's forwarded SSH agent at one path, which sessions can go on using after the link was renewed.

sshd makes a new socket for each connection and removes it with that; a session started yesterday has yesterday's.
Nothing is forwarded unless the operator's own SSH config says so (ForwardAgent).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Dict, Mapping


def note_ssh_agent(link: Path, env: Mapping[str, str] = os.environ) -> None:
    """Point `link` at the SSH agent that was forwarded to this login, if one was."""
    forwarded = env.get("SSH_AUTH_SOCK", "")
    if not env.get("SSH_CONNECTION") or forwarded == str(link) or not _is_socket(forwarded):
        return
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        os.symlink(forwarded, beside)
        os.replace(beside, link)
    except OSError:
        pass  # the link stays as it was: an SSH agent is no reason for the node not to come up


def ssh_agent_variables(link: Path) -> Dict[str, str]:
    """What tells a session where the SSH agent is; nothing where none was ever forwarded."""
    return {"SSH_AUTH_SOCK": str(link)} if link.is_symlink() else {}


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
