"""Puts this installation's agent in the place of the one that serves, under its sessions.

Theory: whoever joins the keeper with a higher epoch fences the older agent off, and that one ends by itself. So we join
with the next epoch, tell the keeper which program its agent is from now on, wait until the old one has let go, and
start ours; while we are there the keeper starts none. A crash at any point leaves the keeper to start the new one; if
that does not start, the keeper gets the command back that it had.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Optional

from node_agent.io.exchange import newer_agent
from node_agent.io.keeper_client import KeeperClient, KeeperError, KeeperGone
from node_agent.io.paths import NodePaths
from node_agent.io.start import StartError, ensure_agent, serve_command
from node_agent.keeper.control import ControlError

PATIENCE = 10.0
"""Seconds an agent may take to end before it is killed; its state is on disk either way."""

_POLL = 0.01


def replace_agent(paths: NodePaths, state: Optional[Path], keeper: bool = False) -> None:
    """Have this installation's agent serve; with `keeper` the keeper's program is replaced in place too.

    One of a newer release stays: its store may be one that ours cannot read. Raises StartError or OSError.
    """
    if newer_agent(paths):
        return
    try:
        asyncio.run(_replace(paths, state, keeper))
    except (KeeperError, ControlError) as error:
        raise StartError(f"the agent cannot be replaced: {error}") from error


async def _replace(paths: NodePaths, state: Optional[Path], keeper: bool) -> None:
    try:
        observer = await KeeperClient.connect(paths.keeper_socket, 0)
    except KeeperGone:
        await wait_until_free(paths.agent_lock, 0.0)
        ensure_agent(paths, state)
        return
    await observer.close()
    usurper = await KeeperClient.connect(paths.keeper_socket, observer.info.epoch + 1, watched=True)
    try:
        former = await usurper.keep_agent(serve_command(state))
        try:
            if keeper:
                await usurper.upgrade()
            await wait_until_free(paths.agent_lock, PATIENCE)
            await asyncio.get_running_loop().run_in_executor(None, ensure_agent, paths, state)
        except (StartError, KeeperError, OSError):
            await usurper.keep_agent(former)
            raise
    finally:
        await usurper.close()


async def wait_until_free(lock: Path, patience: float) -> None:
    """Wait until no agent holds `lock`; one that still does after `patience` seconds is killed."""
    deadline = time.monotonic() + patience
    killed = 0
    while _is_held(lock):
        holder = _holder(lock)
        if time.monotonic() >= deadline and holder not in (0, killed):
            os.kill(holder, signal.SIGKILL)
            killed = holder
        await asyncio.sleep(_POLL)


def _is_held(lock: Path) -> bool:
    try:
        with open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _holder(lock: Path) -> int:
    try:
        return int(lock.read_text())
    except (OSError, ValueError):
        return 0  # it is about to write its number
