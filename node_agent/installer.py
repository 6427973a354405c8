"""Puts the pushed bundle in place on a node and starts its agent.

This file's text is sent to a Python on the node where nothing else of ours exists: it imports the standard library
alone and nothing of this package. It is asked by one line of JSON on stdin and answers in lines that begin with a
marker, because a login shell may print anything around them:

    {"digest", "size", "base", "state", "options"}  →  found {..., "missing": true}
    the bundle's bytes, only where they are missing  →  installed {}
                                                     →  started {the line of `node-agent probe`}, or failed {"error"}

and then it becomes the agent's bridge: what follows is the agent's stream.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from typing import Any, Dict, List, Optional

MARKER = "RELAYTUI-INSTALL"
KEPT = 3
"""Unpacked agents that stay, newest first: a running keeper may still be one of an older release."""

ABANDONED = 3600.0
"""Seconds after which what an interrupted push left behind is cleared away."""

_WRAPPER = """#!/bin/sh
# The node agent of relaytui, for any Python here that can run it.
for python in {python} python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3; do
    if "$python" -E -S -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 9))' </dev/null 2>/dev/null; then
        exec "$python" -E -s {directory} "$@"
    fi
done
echo "node-agent: there is no Python 3.9 or newer on this machine any more" >&2
exit 1
"""


class InstallError(Exception):
    """The agent cannot be put in place; the message is one line, `failure` a word for programs."""

    def __init__(self, message: str, failure: str = "other") -> None:
        super().__init__(message)
        self.failure = failure


class Place:
    """The directory `base` on the node: one unpacked agent a digest, and the command that runs the current one."""

    def __init__(self, base: str, digest: str) -> None:
        self.base = os.path.expanduser(base)
        self.directory = os.path.join(self.base, "agents", digest[:16])
        self.command = os.path.join(self.base, "node-agent")

    @property
    def is_complete(self) -> bool:
        """Whether the agent is unpacked: its directory appears whole or not at all."""
        return os.path.isfile(os.path.join(self.directory, "__main__.py"))

    def unpack(self, data: bytes) -> None:
        """Unpack beside, then rename into place: whoever comes second finds it there and is content."""
        beside = f"{self.directory}.{os.getpid()}.part"
        try:
            os.makedirs(beside, mode=0o700)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(beside)
            os.rename(beside, self.directory)
        except OSError as error:
            if not self.is_complete:
                raise
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def point(self) -> None:
        """Have the command run this agent from now on."""
        text = _WRAPPER.format(python=shlex.quote(sys.executable), directory=shlex.quote(self.directory))
        beside = f"{self.command}.{os.getpid()}.part"
        try:
            with open(beside, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(beside, 0o700)
            os.replace(beside, self.command)
        finally:
            _remove(beside)
        os.utime(self.directory)

    def clear(self) -> None:
        """Remove agents nobody is likely to run any more and what interrupted pushes left."""
        parent = os.path.dirname(self.directory)
        entries = [os.path.join(parent, name) for name in os.listdir(parent)]
        for path in entries:
            if path.endswith(".part") and time.time() - _changed(path) > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
        agents = sorted((path for path in entries if not path.endswith(".part")), key=_changed, reverse=True)
        for path in agents[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)


def _changed(path: str) -> float:
    """When `path` was changed last; now, where another install has just taken it away."""
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return time.time()


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _explain(error: OSError, base: str) -> InstallError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InstallError(f"the disk of {base} is full; make room there", "disk_full")
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
        return InstallError(f"cannot write to {base}: {reason}", "state_unusable")
    return InstallError(f"cannot write to {base}: {reason}")


def _is_noexec(directory: str) -> bool:
    """Whether programs cannot be run from the file system `directory` is or will be on."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return bool(os.statvfs(directory).f_flag & getattr(os, "ST_NOEXEC", 0))


def _say(word: str, fields: Dict[str, Any]) -> None:
    sys.stdout.write(f"{MARKER} {word} {json.dumps(fields)}\n")
    sys.stdout.flush()


def _receive(size: int, digest: str) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        raise InstallError(f"the push was interrupted after {len(data)} of {size} bytes", "interrupted")
    if hashlib.sha256(data).hexdigest() != digest:
        raise InstallError("what arrived is not what was sent; try again", "damaged")
    return data


def _start(agent: List[str], options: List[str]) -> Dict[str, Any]:
    """The report of the agent that runs now."""
    done = subprocess.run([*agent, "probe", "--start", *options], stdin=subprocess.DEVNULL, capture_output=True)
    try:
        report: Dict[str, Any] = json.loads(done.stdout.decode("utf-8", "replace"))
    except ValueError:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InstallError(f"its agent did not start: {lines[-1] if lines else 'it said nothing'}") from None
    if report.get("error"):
        raise InstallError(f"its agent did not start: {report['error']}", str(report.get("failure")))
    return report


def _install(asked: Dict[str, Any]) -> Optional[List[str]]:
    """Put the agent in place and start it; the command of its bridge, or None where it failed."""
    place = Place(str(asked["base"]), str(asked["digest"]))
    state = ["--state", os.path.expanduser(asked["state"])] if asked["state"] else []
    system = platform.uname()
    try:
        _say(
            "found",
            {
                "python": platform.python_version(),
                "executable": sys.executable,
                "system": f"{system.system} {system.machine}",
                "missing": not place.is_complete,
                "noexec": _is_noexec(place.base),
            },
        )
        if not place.is_complete:
            data = _receive(int(asked["size"]), str(asked["digest"]))
            place.unpack(data)
            _say("installed", {"directory": place.directory})
        agent = [sys.executable, "-E", "-s", place.directory]
        report = _start(agent, [*asked["options"], *state])
        place.point()  # only now: an agent that does not start must not be in the way of one that did
        place.clear()
        _say("started", report)
    except InstallError as error:
        _say("failed", {"error": str(error), "failure": error.failure})
    except OSError as error:
        told = _explain(error, place.base)
        _say("failed", {"error": str(told), "failure": told.failure})
    else:
        return [*agent, "bridge", "--no-start", *state]
    return None


def main() -> int:
    os.umask(0o077)
    bridge = _install(json.loads(sys.stdin.buffer.readline()))
    if bridge is None:
        return 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the stream must hold nothing else
    os.execv(bridge[0], bridge)  # noqa: S606 - no shell is wanted between the stream and the bridge


if __name__ == "__main__":
    sys.exit(main())
