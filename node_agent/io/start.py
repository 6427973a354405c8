"""Starts an agent so that it outlives the login that wanted it, and finds out whether one runs."""

from __future__ import annotations

import fcntl
import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, List, Optional

import node_agent
from node_agent.io.failure import Failure
from node_agent.io.paths import NodePaths, write_private
from node_agent.protocol.version import MAGIC

START_LIMIT = 20.0
_POLL = 0.02


class StartError(Exception):
    """The agent did not start; the message is one line."""

    def __init__(self, message: str, failure: Failure = Failure.OTHER) -> None:
        super().__init__(message)
        self.failure = failure


def agent_command() -> List[str]:
    """The command that runs this installation's agent, to which a subcommand is added.

    Isolated from the caller's directory and Python variables: a session may set them, and another's modules must not
    be run.
    """
    root = str(Path(node_agent.__file__).parent.parent)
    if not os.path.isdir(root):
        return [sys.executable, "-E", "-s", root]  # a zipapp
    code = "import sys; sys.path[0] = sys.argv.pop(1); from node_agent.__main__ import main; sys.exit(main())"
    return [sys.executable, "-E", "-s", "-c", code, root]


def serve_command(state: Optional[Path]) -> List[str]:
    """The command that serves the node of state root `state`."""
    return [*agent_command(), "serve", *(["--state", str(state)] if state is not None else [])]


def write_wrapper(paths: NodePaths, root: Path) -> None:
    """Write the command that sessions find in RELAY_AGENT: this agent, for this state directory."""
    command = shlex.join(agent_command())
    wrapper = paths.wrapper
    place = shlex.quote(os.path.realpath(root))
    write_private(wrapper, f'#!/bin/sh\nRELAY_STATE_DIR={place}\nexport RELAY_STATE_DIR\nexec {command} "$@"\n')
    wrapper.chmod(0o700)


def connect(paths: NodePaths, timeout: float = 5.0, only_deploys: bool = False) -> socket.socket:
    """A connection to the running agent, its greeting still unread; raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(paths.deploy_socket if only_deploys else paths.agent_socket))
    except OSError:
        connection.close()
        raise
    return connection


def is_serving(paths: NodePaths) -> bool:
    """Whether an agent answers at the node's socket."""
    try:
        with connect(paths) as connection:
            return connection.recv(len(MAGIC), socket.MSG_WAITALL) == MAGIC
    except OSError:
        return False


def ensure_agent(paths: NodePaths, state: Optional[Path]) -> None:
    """Start the agent detached unless one answers, and wait until it does; raises StartError.

    Of the many clients that miss an agent at once one starts it, and the others wait for that.
    """
    if is_serving(paths):
        return
    deadline = time.monotonic() + START_LIMIT
    with open(os.open(paths.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb") as turn:
        while not _is_ours(turn):
            if is_serving(paths):
                return
            _pause(paths, deadline)
        if not is_serving(paths):
            _start(paths, state, deadline)


def _start(paths: NodePaths, state: Optional[Path], deadline: float) -> None:
    with open(os.open(paths.agent_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as output:
        process = subprocess.Popen(
            serve_command(state),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    while not is_serving(paths):
        if process.poll() is not None and process.returncode != Failure.ALREADY_RUNNING:
            raise _start_error(paths, process.returncode)
        _pause(paths, deadline)
    process.returncode = 0  # it goes on without us: nobody is to wait for it


def _is_ours(turn: IO[bytes]) -> bool:
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pause(paths: NodePaths, deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise StartError(f"the node agent did not answer within {START_LIMIT:g} s; see {paths.agent_log}")
    time.sleep(_POLL)


def _start_error(paths: NodePaths, code: int) -> StartError:
    """What the agent said when it ended with `code`; on a full disk it could not even log that."""
    failure = Failure(code) if code in set(Failure) else Failure.OTHER
    if failure is Failure.DISK_FULL:
        return StartError(f"the disk of {paths.state} is full; make room or set RELAY_STATE_DIR to another", failure)
    return StartError(_last_line(paths.agent_log) or f"the node agent ended with code {code}", failure)


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
