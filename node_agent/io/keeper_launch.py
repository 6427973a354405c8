"""Starts a keeper so that it outlives whoever starts it.

A session manager kills what a login leaves behind (`KillUserProcesses=yes`, a service's control group), and a daemon's
double fork does not leave a control group. So where a user's systemd answers, the keeper gets a scope of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import node_agent
from node_agent.io.paths import NodePaths
from node_agent.keeper.detach import ALREADY_RUNNING

_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from node_agent.keeper.__main__ import main; sys.exit(main())"
)


def keeper_command() -> List[str]:
    """The command that runs the keeper of this installation.

    Without site-packages (`-S`): the keeper needs none, and what they import at start would be paid for all day.
    """
    root = str(Path(node_agent.__file__).parent.parent)
    return [sys.executable, "-I", "-S", "-c", _START, root]


async def start_keeper(paths: NodePaths, agent_argv: Sequence[str], *, timeout: float = 15.0) -> str:
    """Start a keeper detached and wait until it listens; returns "" or one line that says why it does not."""
    command = [*keeper_command(), "--detach", "--socket", str(paths.keeper_socket), str(paths.state)]
    if agent_argv:
        command += ["--agent", *agent_argv]
    command = [*await scope_command(timeout=3.0), *command]
    code, text = await _run(command, timeout)
    if code in (0, ALREADY_RUNNING):
        return ""
    if code is None:
        return f"the keeper did not start within {timeout:g} s; see {paths.keeper_log}"
    lines = text.strip().splitlines()
    return f"the keeper did not start: {lines[-1] if lines else f'exit code {code}'}"


async def scope_command(env: Mapping[str, str] = os.environ, timeout: float = 3.0) -> List[str]:
    """What to put before a command to run it in a systemd scope of its own; empty where that does not work.

    Only trying tells: a machine may have the program without a user manager behind it.
    """
    program = shutil.which("systemd-run", path=env.get("PATH"))
    if program is None or not (env.get("DBUS_SESSION_BUS_ADDRESS") or env.get("XDG_RUNTIME_DIR")):
        return []
    prefix = [program, "--user", "--scope", "--quiet", "--collect"]
    code, _ = await _run([*prefix, "true"], timeout, dict(env))
    return prefix if code == 0 else []


async def _run(
    command: Sequence[str], timeout: float, env: Optional[Dict[str, str]] = None
) -> Tuple[Optional[int], str]:
    """Run a short program to its end: (exit code or None after the time limit, what it said on stderr)."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, text = await asyncio.wait_for(process.communicate(), timeout)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None, ""
    return process.returncode, text.decode("utf-8", "replace")
