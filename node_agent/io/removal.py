"""Takes a node off its machine: ends its sessions, keeper and agent, and removes what the operator no longer wants."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import node_agent
from node_agent.io.boot import BootError, remove_boot
from node_agent.io.keeper_client import KeeperClient, KeeperError, KeeperGone
from node_agent.io.paths import NodePaths
from node_agent.io.replace import PATIENCE, wait_until_free
from node_agent.io.start import StartError
from node_agent.keeper.control import ControlError


def remove_node(paths: NodePaths, state: Optional[Path], journals: bool, program: bool) -> Dict[str, Any]:
    """End the node of state root `state` for good, and have it no longer started with the machine.

    With `journals` its state is removed, with `program` the pushed agent. Returns what was done, for a report. Raises
    StartError or OSError.
    """
    try:
        ended = asyncio.run(_end(paths))
    except (KeeperError, ControlError) as error:
        raise StartError(f"the node cannot be ended: {error}") from error
    removed, left = _remove_boot(state)
    if journals:
        for directory in (paths.state, paths.runtime):
            shutil.rmtree(directory, ignore_errors=True)
            removed.append(str(directory))
    base = pushed_base(Path(node_agent.__file__).parent.parent)
    if program and base is not None:
        shutil.rmtree(base)
        removed.append(str(base))
    return {"ended": ended, "removed": removed, "left": left}


def pushed_base(root: Path) -> Optional[Path]:
    """The directory that holds the agent at `root` with all its like, or None for one that was not pushed."""
    base = root.parent.parent
    return base if root.parent.name == "agents" and (base / "node-agent").is_file() else None


def _remove_boot(state: Optional[Path]) -> Tuple[List[str], str]:
    """What was removed, and what could not be: the node has ended by then, and that is to be told."""
    try:
        return remove_boot(state), ""
    except (BootError, OSError) as error:
        return [], f"its start with the machine: {error}"


async def _end(paths: NodePaths) -> int:
    """End all sessions with their keeper and its agent; how many there were."""
    try:
        observer = await KeeperClient.connect(paths.keeper_socket, 0)
    except KeeperGone:
        await wait_until_free(paths.agent_lock, 0.0)
        return 0
    await observer.close()
    keeper = await KeeperClient.connect(paths.keeper_socket, observer.info.epoch + 1, watched=True)
    try:
        sessions = await keeper.list()
        await keeper.keep_agent([])
        await wait_until_free(paths.agent_lock, PATIENCE)
        await keeper.shutdown()
    finally:
        await keeper.close()
    return sum(record.exit is None for record in sessions)
