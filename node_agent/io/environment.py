"""Reads the environment of the user's login shell, as a new terminal on this machine would have it."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import signal
from typing import Dict, Mapping, Optional

from node_agent.io.clock import Clock

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds a login shell may take to say its environment."""

KEPT = 300.0
"""Seconds for which it counts: a changed profile is seen by sessions started a little later."""

_MARK = "relay-environment-7c1f"
_SCRIPT = f"printf %s {_MARK}; env -0; printf %s {_MARK}"


def login_shell(env: Mapping[str, str] = os.environ) -> str:
    """The user's login shell."""
    try:
        shell = pwd.getpwuid(os.geteuid()).pw_shell
    except KeyError:
        shell = ""
    return next((found for found in (shell, env.get("SHELL", "")) if found and os.access(found, os.X_OK)), "/bin/sh")


def home() -> str:
    """The user's home directory."""
    return os.path.expanduser("~")


def directory_named(path: str) -> str:
    """The directory an operator means by `path`, which begins in the home directory unless it is whole."""
    return os.path.join(home(), os.path.expanduser(path)) if path else home()


class LoginEnvironment:
    """The login environment, read when it is wanted and kept for a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: Optional[Dict[str, str]] = None
        self._read_at = 0.0

    async def read(self) -> Dict[str, str]:
        """The login shell's environment; the agent's own where the shell does not say one in time."""
        async with self._lock:
            if self._known is None or self._clock.boot() - self._read_at > KEPT:
                self._known = await _ask_shell(login_shell()) or dict(os.environ)
                self._read_at = self._clock.boot()
            return dict(self._known)


async def _ask_shell(shell: str) -> Dict[str, str]:
    """Run `shell` as a login shell and read what stands between the marks; empty when that fails.

    A name that begins with "-" makes every shell a login shell (POSIX leaves it to them; all known ones agree). A
    profile may print anything before the first mark.
    """
    process = await asyncio.create_subprocess_exec(
        "-" + os.path.basename(shell),
        "-c",
        _SCRIPT,
        executable=shell,
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LIMIT)
    except asyncio.TimeoutError:
        log.warning("the login shell %s did not say its environment within %g s", shell, LIMIT)
        _kill_group(process.pid)
        await process.wait()
        return {}
    parts = output.decode("utf-8", "surrogateescape").split(_MARK)
    if len(parts) < 3:
        return {}
    pairs = (entry.partition("=") for entry in parts[1].split("\0"))
    return {name: value for name, separator, value in pairs if separator and name}


def _kill_group(pid: int) -> None:
    """End the shell and what its profile waits for."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
