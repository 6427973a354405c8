"""Takes the node's lock and only then imports the agent.

That import is most of a start. Whoever misses an agent starts one, the keeper and each client, and those that find the
lock held are not to slow down the one that has it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Optional

from node_agent.io.failure import NOT_STARTED, Failure, failure_of
from node_agent.io.lock import AlreadyRunningError, take_lock
from node_agent.io.paths import NetworkFileSystemError, NodePaths, PathError, network_file_system, node_paths


def serve(state: Optional[Path]) -> int:
    """Serve the node of state root `state` until told to end; the exit code. Says why in one line on stderr."""
    os.umask(0o077)
    try:
        paths = _usable(node_paths(state))
        with take_lock(paths.agent_lock):
            from node_agent.io.run import run  # see above

            return run(paths, state)
    except AlreadyRunningError as error:
        sys.stderr.write(f"{error}\n")
        return Failure.ALREADY_RUNNING
    except (PathError, OSError) as error:
        sys.stderr.write(f"{NOT_STARTED}: {error}\n")
        return failure_of(error)


def _usable(paths: NodePaths) -> NodePaths:
    """The same paths, when locks and SQLite can be trusted there; else raises PathError."""
    kind = network_file_system(paths.state)
    if kind is not None:
        raise NetworkFileSystemError(
            f"{paths.state} is on {kind}: a network file system; set RELAY_STATE_DIR to a local disk"
        )
    return paths
