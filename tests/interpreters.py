"""Every Python on this machine that a node might have, so that the agent is tried under each."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 9)


@functools.cache
def interpreters() -> dict[tuple[int, int], str]:
    """Versions that the node agent supports and where one of each is, oldest first; this very interpreter included."""
    candidates = [sys.executable]
    candidates += [path for minor in range(9, 20) if (path := shutil.which(f"python3.{minor}"))]
    candidates += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
    found: dict[tuple[int, int], str] = {}
    for candidate in candidates:
        version = _version(candidate)
        if version is not None and version >= OLDEST:
            found.setdefault(version, candidate)
    return dict(sorted(found.items()))


def _version(path: str) -> tuple[int, int] | None:
    """None for what is no Python, such as a shim of a version that is not installed."""
    command = [path, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        major, minor = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return int(major), int(minor)
