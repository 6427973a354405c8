"""Links to agents of this machine: a socket that is named, or the agent of a state directory, started on demand.

Where the agent of a state directory listens is the agent's own business: it is asked (`node-agent probe --start`), and
the answer is kept, because asking costs more than everything else a short command does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import sys

from relaytui.config import NodeConfig, cache_dir, write_atomically
from relaytui.link.duplex import Duplex
from relaytui.link.errors import AgentFailed, AgentMissing, AgentUnreachable
from relaytui.link.peer import stranger_at
from relaytui.link.probe import ProbeReport, parse_report
from relaytui.link.program import run_program
from relaytui.link.pushed import PushedStream

_DIAL_TIMEOUT = 3.0
_START_TIMEOUT = 15.0
_MOVES_SOCKETS = ("RELAY_STATE_DIR", "RELAY_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME", "TMPDIR")


class UnixConnector:
    """Opens the agent's unix socket."""

    def __init__(self, node: NodeConfig) -> None:
        self._node = node
        self._socket = os.path.expanduser(node.socket)

    async def open(self, *, bulk: bool = False) -> Duplex:
        """A stream to the agent; a bulk one is a connection like any other. Raises a LinkError."""
        name = self._node.alias
        if self._socket:
            return await _dial(name, self._socket)
        known = _KnownSocket(self._node)
        if (path := known.load()) is not None:
            try:
                return await _dial(name, path)
            except AgentUnreachable:
                pass  # it ended, or has moved
        report = await start_agent(self._node)
        known.store(report.socket)
        return await _dial(name, report.socket)


async def _dial(node: str, path: str) -> Duplex:
    """Connect to a socket and check that our own user (or root) listens there."""
    try:
        async with asyncio.timeout(_DIAL_TIMEOUT):
            loop = asyncio.get_running_loop()
            transport, stream = await loop.create_unix_connection(PushedStream, path)
    except TimeoutError:
        raise AgentUnreachable(f"{node}: nobody accepts at {path}; the agent there hangs, end it") from None
    except OSError as error:
        raise AgentUnreachable(f"{node}: no agent listens at {path}: {error.strerror or error}; start it") from error
    if (stranger := stranger_at(transport.get_extra_info("socket"))) is not None:
        stream.close()
        raise AgentUnreachable(f"{node}: {path} belongs to user {stranger}, not to us; not used")
    return Duplex(stream, stream, release=stream.wait_closed)


async def start_agent(node: NodeConfig, *options: str) -> ProbeReport:
    """Have the agent of the node's state directory started, unless it runs; it outlives us.

    `options` are further ones of `node-agent probe`.
    """
    output, errors = await run_agent(node, "probe", "--start", *options)
    return parse_report(node.alias, output, errors)


async def run_agent(node: NodeConfig, *words: str) -> tuple[str, str]:
    """What `node-agent WORDS` prints on stdout and stderr for the node's state directory."""
    command = _agent_command(node, *words)
    try:
        printed = await run_program(*command, limit=_START_TIMEOUT, own_session=True)
    except TimeoutError:
        reason = f"its agent did not start within {_START_TIMEOUT:g} s; see its log, `node-agent probe`"
        raise AgentFailed(f"{node.alias}: {reason}") from None
    except OSError as error:
        reason = f"cannot run {command[0]}: {error.strerror}; correct its agent command"
        raise AgentMissing(f"{node.alias}: {reason}") from error
    return printed.output, printed.errors


def _agent_command(node: NodeConfig, *words: str) -> list[str]:
    program = shlex.split(node.agent) or [sys.executable, "-P", "-m", "node_agent"]
    return [*program, *words, *(["--state", os.path.expanduser(node.state)] if node.state else [])]


class _KnownSocket:
    """Remembers where the agent of a state directory listened last, for the variables that move it."""

    def __init__(self, node: NodeConfig) -> None:
        key = json.dumps([node.state, node.agent, *(os.environ.get(name) for name in _MOVES_SOCKETS)])
        self._path = cache_dir() / "sockets" / hashlib.sha256(key.encode()).hexdigest()[:24]

    def load(self) -> str | None:
        try:
            return self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def store(self, path: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(self._path, path.encode())
        except OSError:
            pass  # then the agent is asked again next time
