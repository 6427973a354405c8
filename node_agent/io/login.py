"""What this machine does to processes whose login has ended, and what it would take to keep them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Dict, List

_CONFIG = "etc/systemd/logind.conf"
_KILLS = re.compile(r"^\s*KillUserProcesses\s*=\s*(\S+)", re.MULTILINE)


def login_policy(user: str, root: Path = Path("/")) -> Dict[str, Any]:
    """Whether systemd runs here, kills what a login leaves (logind.conf(5)), and lets this user linger."""
    return {
        "systemd": (root / "run/systemd/system").is_dir(),
        "kills_processes": _kills_processes(root),
        "lingers": (root / "var/lib/systemd/linger" / user).exists(),
    }


def _kills_processes(root: Path) -> bool:
    """The last file that says so decides; without one logind leaves processes alone, as distributions build it."""
    decided = False
    for path in _files(root):
        try:
            found = _KILLS.findall(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if found:
            decided = found[-1].lower() in ("yes", "true", "1", "on")
    return decided


def _files(root: Path) -> List[Path]:
    parts = [
        path for base in ("usr/lib", "etc", "run") for path in (root / base / "systemd/logind.conf.d").glob("*.conf")
    ]
    return [root / _CONFIG, *sorted(parts, key=lambda path: path.name)]


def is_noexec(directory: Path) -> bool:
    """Whether programs cannot be run from the file system `directory` is on."""
    try:
        return bool(os.statvfs(directory).f_flag & getattr(os, "ST_NOEXEC", 0))
    except OSError:
        return False
