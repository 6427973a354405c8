"""Puts the pushed bundle in place on a node and starts its agent.

This file's text is sent to a Python on the node where nothing else of ours exists: it imports the standard library
alone and nothing of this package. It is asked by one line of JSON on stdin and answers in lines that begin with a
marker, because a login shell may print anything around them:

    {"digest", "base", "state", "options"}                        →  found {..., "missing": true}
    {"size", "sha256"} and the archive, only where it is missing  →  installed {}
                                      →  started {the line of `node-agent probe`}, or failed {"error"}

and then it becomes the agent's bridge: what follows is the agent's stream. The agent's own commands run in this
process: a Python of their own for each would take longer than all the rest.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import io
import json
import os
import platform
import shlex
import shutil
import sys
import time
import zipfile
from typing import Any, Dict, List, Optional, Type

MARKER = "RELAYTUI-INSTALL"
KEPT = 3
"""Unpacked agents that stay, newest first: a running keeper may still be one of an older release."""

ABANDONED = 3600.0
"""Seconds after which what an interrupted push left behind is cleared away."""

_WRAPPER = """#!/bin/sh
# The node agent of relaytui, for any Python here that can run it.
for python in {python} python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
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
        self.python = os.path.join(self.base, "python")

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
        """Have the command run this agent from now on, and the next install try this Python first."""
        text = _WRAPPER.format(python=shlex.quote(sys.executable), directory=shlex.quote(self.directory))
        beside = f"{self.command}.{os.getpid()}.part"
        try:
            with open(beside, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(beside, 0o700)
            os.replace(beside, self.command)
            if os.path.realpath(self.python) != os.path.realpath(sys.executable):
                _remove(self.python)
                os.symlink(sys.executable, self.python)
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


def _receive() -> bytes:
    sent = json.loads(sys.stdin.buffer.readline() or b'{"size": 1}')
    size = int(sent["size"])
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        raise InstallError(f"the push was interrupted after {len(data)} of {size} bytes", "interrupted")
    if hashlib.sha256(data).hexdigest() != sent["sha256"]:
        raise InstallError("what arrived is not what was sent; try again", "damaged")
    return data


def _agent(words: List[str]) -> int:
    """Run `node-agent WORDS` of the agent that `sys.path` begins with; its exit code."""
    return int(importlib.import_module("node_agent.__main__").main(words))


def _start(options: List[str]) -> Dict[str, Any]:
    """The report of the agent that runs now."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            _agent(["probe", "--start", *options])
        report: Dict[str, Any] = json.loads(said.getvalue())
    except (ImportError, SyntaxError, SystemExit, ValueError) as error:
        raise InstallError(f"its agent did not start: {error}") from error
    if report.get("error"):
        raise InstallError(f"its agent did not start: {report['error']}", str(report.get("failure")))
    return report


def _install(asked: Dict[str, Any]) -> Optional[List[str]]:
    """Put the agent in place and start it; the words that make it a bridge, or None where it failed."""
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
            place.unpack(_receive())
            _say("installed", {"directory": place.directory})
        sys.path.insert(0, place.directory)
        report = _start([*asked["options"], *state])
        # Only now: an agent that does not start must not be in the way of one that did, nor ours in a newer one's.
        if not report.get("newer") or not os.path.isfile(place.command):
            place.point()
            place.clear()
        _say("started", report)
    except InstallError as error:
        _say("failed", {"error": str(error), "failure": error.failure})
    except OSError as error:
        told = _explain(error, place.base)
        _say("failed", {"error": str(told), "failure": told.failure})
    else:
        return ["bridge", "--no-start", *state]
    return None


def _end(kind: Type[BaseException], error: BaseException, _: Any) -> None:
    """End at a bug with a word on it, and with success: after a failure the shell would try the next Python."""
    sys.stdout.write(f"{kind.__name__}: {error}\n")
    sys.stdout.flush()
    os._exit(0)


def main() -> int:
    """The exit code is 0 whatever came of it, since that has been said: see `_end`."""
    os.umask(0o077)
    sys.excepthook = _end
    bridge = _install(json.loads(sys.stdin.buffer.readline()))
    if bridge is None:
        return 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the stream must hold nothing else
    _agent(bridge)
    return 0


if __name__ == "__main__":
    sys.exit(main())
