"""Makes a machine a node: one command there finds a Python, takes the bundle where it is missing, starts the agent.

Theory: the command is a few lines of shell that any login shell passes on unchanged; they have one Python after the
other try to run the installer (`node_agent/installer.py`), whose text and orders come on stdin: one that will not do
leaves them to the next. Its answers are lines behind a marker. At the end the same channel carries the agent's stream,
so that one login is enough, OTP or not.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from node_agent.bundle import INSTALLER_MARKER as MARKER
from node_agent.bundle import Bundle, installer_source, read_bundle
from node_agent.protocol.version import MAGIC, MAX_BANNER
from node_agent.terminal.sanitise import sanitise
from relaytui.config import NodeConfig, Transport
from relaytui.link.connect import Gates
from relaytui.link.duplex import After, Duplex
from relaytui.link.errors import (
    AgentFailed,
    InstallFailed,
    LinkError,
    LinkLost,
    NetworkFileSystem,
    NodeDiskFull,
    PythonMissing,
    StateUnusable,
)
from relaytui.link.probe import pushed_base, remote_script, remote_word
from relaytui.link.prompts import Desk

_SILENCE = 30.0
"""Seconds without a word from the node, or without it taking a byte, that end a push."""

_PIECE = 32 * 1024
_NEWEST, _OLDEST = 14, 9
_PYTHONS = (
    "python3",  # most often it will do, and a version manager's stand-ins for those it lacks take long to say so
    *(f"python3.{minor}" for minor in range(_NEWEST, _OLDEST - 1, -1)),
    "/usr/local/bin/python3",
    "/usr/libexec/platform-python",
)
_WORDS = b"python|nothing|found|installed|started|failed"
_LINE = re.compile(rb"(?:^|[\r\n])(?:%s (%s) ?([^\r\n]*)\r?\n|(?=%s ))" % (MARKER, _WORDS, MAGIC))
_FAILURES: dict[str, tuple[type[LinkError], str]] = {
    "disk_full": (NodeDiskFull, "or name a directory on another disk with --state"),
    "state_unusable": (StateUnusable, "name a writable directory with --state"),
    "network_file_system": (NetworkFileSystem, "name one with --state"),
}
"""What the installer calls a failure: our error, and what the operator can do about it here."""

Tell = Callable[[str, float | None], None]
"""Hears each step in words, with the share that is done (0 to 1) of one that takes a while."""


class Remote(Protocol):
    """Runs commands on a node."""

    async def command(self, line: str, *begins: bytes) -> Duplex:
        """Run `line` in the login shell there; its output has a line that begins with one of `begins`."""


@dataclass(frozen=True)
class Arrival:
    """A node whose agent runs. `found` and `report` are what the installer and the agent said of the machine."""

    stream: Duplex
    pushed: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


def install_command(node: NodeConfig) -> str:
    """A command line that finds a Python able to run the agent and has it run the program on its stdin."""
    known = f"{pushed_base(node.state)}/python"  # the one that ran the last installer here
    pythons = " ".join(
        remote_word(node.alias, python) for python in ([node.python] if node.python else (known, *_PYTHONS))
    )
    return remote_script(
        "PATH=$PATH:$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin; export PATH; exec 2>&1; old=; "
        f"echo; echo {MARKER.decode()} python; "
        f"for python in {pythons}; do "
        'if command -v "$python" >/dev/null 2>&1; then '
        '"$python" -E -s -S -c "import sys, sqlite3, zlib; sys.exit(1) if sys.version_info < (3, 9) else '
        'exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))" && exit; '
        'old="$old $($python -V 2>/dev/null </dev/null) as $python,"; fi; done; '
        f'echo; echo {MARKER.decode()} nothing "$(uname -sm),$old"'
    )


async def bootstrap(node: NodeConfig, desk: Desk, tell: Tell, options: Sequence[str] = ()) -> Arrival:
    """Put the agent on the node if it is missing there, and start it.

    `options` are further ones of `node-agent probe`.

    Raises a LinkError; nothing half-done stays on the node then.
    """
    reading = asyncio.create_task(asyncio.to_thread(read_bundle), name="bundle")
    try:
        duplex = await remote_of(node, desk).command(install_command(node), MARKER, MAGIC)
        try:
            return await _converse(node, duplex, await reading, tell, list(options))
        except BaseException:  # cancelled, too: nobody else has the stream
            await duplex.close()
            raise
    finally:
        await asyncio.wait([reading])


def remote_of(node: NodeConfig, desk: Desk) -> Remote:
    if node.transport is Transport.OPENSSH:
        from relaytui.link.openssh import OpenSshConnector

        return OpenSshConnector(node, desk)
    from relaytui.link.ssh import SshConnector

    return SshConnector(node, desk, Gates())


async def _converse(node: NodeConfig, duplex: Duplex, bundle: Bundle, tell: Tell, options: list[str]) -> Arrival:
    lines = _Lines(node, duplex)
    word, _ = await lines.next()
    if not word:
        tell("its key is restricted to an agent that is there already", None)
        return Arrival(lines.stream())
    source = installer_source()
    orders = {
        "digest": bundle.digest,
        "base": pushed_base(node.state),
        "state": node.state,
        "options": options,
    }
    await _send(node, duplex, b"%d\n%s%s\n" % (len(source), source, json.dumps(orders).encode()))
    found = await lines.expect("found")
    tell(f"found Python {found['python']} on {found['system']}", None)
    if found["missing"]:
        await _push(node, duplex, await asyncio.to_thread(bundle.pack), tell)
        await lines.expect("installed")
    tell("starting the agent", None)
    report = await lines.expect("started")
    return Arrival(lines.stream(), bool(found["missing"]), found, report)


async def _push(node: NodeConfig, duplex: Duplex, data: bytes, tell: Tell) -> None:
    words = f"pushing the agent, {len(data) // 1024} KB"
    heading = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    await _send(node, duplex, json.dumps(heading).encode() + b"\n")
    for start in range(0, len(data), _PIECE):
        tell(words, start / len(data))
        await _send(node, duplex, data[start : start + _PIECE])
    tell(words, 1.0)


async def _send(node: NodeConfig, duplex: Duplex, data: bytes) -> None:
    try:
        async with asyncio.timeout(_SILENCE):
            duplex.writer.write(data)
            await duplex.writer.drain()
    except TimeoutError:
        raise LinkLost(f"{node.alias}: the node took nothing for {_SILENCE:g} s; try again") from None
    except OSError as error:
        raise LinkLost(f"{node.alias}: the link broke while the agent was pushed: {error}; try again") from error


class _Lines:
    """The installer's lines in whatever else the channel carries."""

    def __init__(self, node: NodeConfig, duplex: Duplex) -> None:
        self._node = node
        self._duplex = duplex
        self._seen = b""

    async def next(self) -> tuple[str, str]:
        """The next line's word and rest; ("", "") where the agent's stream begins instead."""
        while (match := _LINE.search(self._seen)) is None:
            data = await self._read()
            if not data or len(self._seen) > MAX_BANNER:
                raise self._silent()
            self._seen += data
        word, rest = match[1], match[2]
        self._seen = self._seen[match.end() :]
        return ("", "") if word is None else (word.decode("ascii", "replace"), rest.decode("utf-8", "replace"))

    async def expect(self, wanted: str) -> dict[str, Any]:
        """The fields of the next line, which must be of that word; raises the failure it tells of instead."""
        word, rest = await self.next()
        if word == "nothing":
            raise _no_python(self._node, rest)
        try:
            fields = json.loads(rest)
        except ValueError:
            fields = {}
        if word == "failed" or word != wanted or not isinstance(fields, dict):
            raise self._failed(fields if isinstance(fields, dict) else {})
        return fields

    def stream(self) -> Duplex:
        """What follows the lines."""
        duplex = self._duplex
        return Duplex(After(self._seen, duplex.reader), duplex.writer, duplex.note, duplex.release)

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(_SILENCE):
                return await self._duplex.reader.read(4096)
        except TimeoutError:
            raise AgentFailed(
                f"{self._node.alias}: no word from it for {_SILENCE:g} s; try a command there with `ssh`"
            ) from None
        except OSError as error:
            raise LinkLost(f"{self._node.alias}: the link broke: {error}; try again") from error

    def _silent(self) -> LinkError:
        lines = [line.strip() for line in self._seen.decode("utf-8", "replace").splitlines() if line.strip()]
        said = f": {sanitise(lines[-1], 200)}" if lines else ""
        return AgentFailed(f"{self._node.alias}: the command there ended early{said}; try one with `ssh`")

    def _failed(self, fields: dict[str, Any]) -> LinkError:
        kind, advice = _FAILURES.get(str(fields.get("failure")), (InstallFailed, "try again"))
        reason = sanitise(str(fields.get("error") or "its installer was not understood"), 300)
        return kind(f"{self._node.alias}: {reason}; {advice}")


def _no_python(node: NodeConfig, rest: str) -> PythonMissing:
    """`rest` is the system and each Python that will not do, each followed by a comma."""
    system, *old = [part.strip() for part in sanitise(rest, 300).split(",") if part.strip()]
    there = f"; there is {', '.join(old)}" if old else ""
    remedy = "install one" if node.python else "install one, or name it with --python"
    return PythonMissing(f"{node.alias}: no Python 3.9 or newer with sqlite3 and zlib ({system}{there}); {remedy}")
