"""Links through the system's own ssh: every key type, option and agent it knows works, since it does the work.

It runs on a terminal of its own. Whatever it asks there before the agent's preamble (a passphrase, a code, an unknown
host key) becomes a prompt for the operator, with what it has said on standard error before; from the preamble on the
terminal carries the agent's stream unchanged.
"""

from __future__ import annotations

import asyncio
import re

from node_agent.protocol.version import MAGIC, MAX_BANNER
from node_agent.terminal.sanitise import sanitise
from relaytui.config import NodeConfig
from relaytui.link.address import address_options
from relaytui.link.duplex import Duplex
from relaytui.link.errors import (
    TOO_MANY,
    TOO_MANY_ADVICE,
    AgentMissing,
    AuthenticationFailed,
    ConnectionRefused,
    ConnectTimedOut,
    HostKeyChanged,
    LinkError,
    LinkLost,
    PythonMissing,
    SshConfigInvalid,
    UnknownHost,
)
from relaytui.link.probe import MARKER, NO_PYTHON, bridge_command
from relaytui.link.prompts import Desk, PromptKind
from relaytui.link.resolve import ssh_options
from relaytui.link.terminal import Terminal

_LOGIN_TIMEOUT = 30.0
_QUIET = 0.2
"""Seconds after which an unfinished line that looks like one is a question."""

_MOST_BEFORE, _MOST_ASKED = 300, 600
"""Characters shown of what was said before a question, a banner's end say, and of the question."""

_OPTIONS = ["-T", "-e", "none", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2"]
_QUESTION = re.compile(r"[^\r\n]*[?:)\]>]\s*$")
_SAYINGS: tuple[tuple[str, type[LinkError], str], ...] = (
    ("IDENTIFICATION HAS CHANGED", HostKeyChanged, "the host key has changed; refused; compare it first"),
    ("Host key verification failed", AuthenticationFailed, "the host key was not accepted; compare it and try again"),
    ("Could not resolve hostname", UnknownHost, "no such host; check the name"),
    ("Connection refused", ConnectionRefused, "the connection is refused; check that sshd runs there and the port"),
    (TOO_MANY, AuthenticationFailed, TOO_MANY_ADVICE),
    ("Permission denied (", AuthenticationFailed, "none of our keys or answers was accepted; check user and keys"),
    ("timed out", ConnectTimedOut, "no answer from the host; check the network"),
    (NO_PYTHON, PythonMissing, f"{NO_PYTHON} there any more; install one"),
    (f"{MARKER} missing", AgentMissing, "no node agent there; `relaytui node upgrade` puts one there"),
)


class OpenSshConnector:
    """Opens one ssh process a stream."""

    def __init__(self, node: NodeConfig, desk: Desk) -> None:
        self._node = node
        self._desk = desk

    async def open(self, *, bulk: bool = False) -> Duplex:
        """Start ssh, let it log in, hand over the agent's stream. Raises a LinkError."""
        return await self.command(bridge_command(self._node.alias, self._node.agent, self._node.state), MAGIC)

    async def command(self, line: str, *begins: bytes) -> Duplex:
        """Run `line` there; the stream starts with the first line that begins with a word of `begins`."""
        argv = [
            "ssh",
            *_OPTIONS,
            *ssh_options(self._node),
            *await address_options(self._node),
            "--",
            self._node.host,
            line,
        ]
        beginning = re.compile(rb"(?:^|[\r\n])((?:%s) [^\n]*\n)" % b"|".join(begins))
        try:
            terminal = await Terminal.run(argv)
        except FileNotFoundError as error:
            raise SshConfigInvalid(f"{self._node.alias}: there is no ssh program here; install it") from error
        try:
            await self._log_in(terminal, beginning)
        except TimeoutError:
            await terminal.end()
            reason = f"ssh is not in after {_LOGIN_TIMEOUT:g} s; check host and network"
            raise ConnectTimedOut(f"{self._node.alias}: {reason}") from None
        except BaseException:  # cancelled, too: ssh would go on asking
            await terminal.end()
            raise
        return Duplex(terminal, terminal, "through ssh", terminal.end)

    async def _log_in(self, terminal: Terminal, beginning: re.Pattern[bytes]) -> None:
        """Bring what ssh asks to the operator until the stream begins. Raises TimeoutError and LinkErrors."""
        loop = asyncio.get_running_loop()
        seen = b""
        answered = heard = 0  # bytes of it, and of standard error, that questions already took in
        async with asyncio.timeout(_LOGIN_TIMEOUT) as limit:
            while (start := beginning.search(seen)) is None:
                if len(seen) > MAX_BANNER:
                    raise self._failure(seen + await terminal.last_words())
                question = seen[answered:].decode("utf-8", "replace")
                try:
                    async with asyncio.timeout(_QUIET if _QUESTION.search(question) else None):
                        data = await terminal.read(4096)
                except TimeoutError:
                    before = terminal.said[heard:].decode("utf-8", "replace")[-_MOST_BEFORE:]
                    answered, heard = len(seen), len(terminal.said)
                    limit.reschedule(None)
                    asked = sanitise(before + question, _MOST_BEFORE + _MOST_ASKED, multiline=True)
                    answer = await self._desk.ask(PromptKind.SSH, asked.strip())
                    limit.reschedule(loop.time() + _LOGIN_TIMEOUT)
                    terminal.write(answer.encode() + b"\n")
                    continue
                if not data:
                    raise self._failure(seen + await terminal.last_words())
                seen += data
        terminal.unread(seen[start.start(1) :])

    def _failure(self, seen: bytes) -> LinkError:
        text = seen.decode("utf-8", "replace")
        for words, kind, reason in _SAYINGS:
            if words in text:
                return kind(f"{self._node.alias}: {reason}")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = sanitise(lines[-1], 200) if lines else "it said nothing"
        return LinkLost(f"{self._node.alias}: ssh ended: {said}; try it by hand")
