"""How a node's agent is found, started and asked where it listens. Sans-IO: command lines out, reports in.

The report is the JSON line of `node-agent probe`. Over SSH a login shell may print anything around it, so there it
follows a marker line.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from node_agent.protocol.version import MAGIC
from node_agent.terminal.sanitise import sanitise
from relaytui.link.errors import (
    AgentFailed,
    AgentMissing,
    LinkError,
    NetworkFileSystem,
    NodeDiskFull,
    PythonMissing,
    SshConfigInvalid,
    StateUnusable,
)

MARKER = "RELAYTUI-PROBE"
_MISSING = "missing"
_SOCKET = "socket"
_REPLY = "reply"
_PLACES = "$PATH:$HOME/.local/bin:/usr/local/bin"
_UNSAFE = re.compile(r"['\"\\!$`\n\r]")


NO_PYTHON = "there is no Python 3.9 or newer"
"""What the pushed agent's command says (`node_agent/installer.py`) when the machine's Python has gone."""

_FAILURES = {
    "network_file_system": NetworkFileSystem,
    "state_unusable": StateUnusable,
    "disk_full": NodeDiskFull,
}
"""The agent's words for why it did not start that a script may want to tell apart."""


@dataclass(frozen=True)
class ProbeReport:
    """The agent that runs now."""

    socket: str
    version: str = ""
    data: dict[str, Any] = field(default_factory=dict)  # all of it

    @property
    def pid(self) -> int:
        """The agent's process id, 0 where that was not said."""
        pid = self.data.get("pid")
        return pid if isinstance(pid, int) else 0


def probe_command(node: str, agent: str, state: str, known: str = "") -> str:
    """A command line for a remote login shell that starts the agent and reports it.

    Where the socket `known` from an earlier report is still there, it is reported without starting anything but what
    lets sessions find an SSH agent that is forwarded anew.
    """
    shortcut = ""
    if known and not _UNSAFE.search(known):
        link = (
            f'if test -S "$SSH_AUTH_SOCK"; then ln -sfn "$SSH_AUTH_SOCK" "{posixpath.dirname(known)}/ssh-agent"; fi; '
        )
        shortcut = f'if test -S "{known}"; then {link}echo; echo {MARKER} {_SOCKET} "{known}"; exit 0; fi; '
    return _command(node, agent, "probe --start", state, f"echo; echo {MARKER}; ", shortcut)


def bridge_command(node: str, agent: str, state: str) -> str:
    """A command line for a remote login shell that becomes the agent's stream on stdin and stdout."""
    return _command(node, agent, "bridge", state, "")


def restricted_bridge_command(node: str, agent: str, state: str) -> str:
    """The same for a key that may only deploy, as the value of `command="..."` in authorized_keys."""
    return _command(node, agent, "bridge --deploy-only", state, "").replace('"', '\\"')


def agent_command(node: str, agent: str, state: str, action: str) -> str:
    """A command line for a remote login shell that has the agent carry out `action` and print a line of JSON."""
    return _command(node, agent, action, state, f"echo; echo {MARKER} {_REPLY}; ")


def pushed_base(state: str) -> str:
    """The directory on a node that holds the agent pushed for state directory `state`."""
    return f"{state.rstrip('/')}/agent" if state else "~/.local/share/relaytui"


def _command(node: str, agent: str, action: str, state: str, before: str, shortcut: str = "") -> str:
    """Runs the agent command, or where none is named the pushed agent, or else an installed one.

    SSH commands get a short PATH, hence the search in the usual places of a user's own programs. The pushed one is
    run by `sh`, because its file system may not allow programs.
    """
    tail = f" --state {remote_word(node, state)}" if state else ""
    if agent:
        choice = f"set -- {' '.join(remote_word(node, word) for word in shlex.split(agent))}; "
    else:
        pushed = dict.fromkeys(remote_word(node, f"{pushed_base(root)}/node-agent") for root in (state, ""))
        choice = (
            f"set -- node-agent; for agent in {' '.join(pushed)}; do "
            'if [ -f "$agent" ]; then set -- sh "$agent"; break; fi; done; '
        )
    return remote_script(
        f"{shortcut}PATH={_PLACES}; export PATH; {choice}"
        f'if command -v "$1" >/dev/null 2>&1; then {before}exec "$@" {action}{tail}; fi; '
        f"echo; echo {MARKER} {_MISSING} $(uname -sm)"
    )


def remote_script(script: str) -> str:
    """`sh -c '...'` for a script without quote, `!`, backslash or newline: csh and fish pass that on unchanged."""
    return f"sh -c '{script}'"


def remote_word(node: str, word: str) -> str:
    """`word` quoted for such a script, `~/` meaning the home directory there; raises SshConfigInvalid."""
    if _UNSAFE.search(word):
        raise SshConfigInvalid(
            f"{node}: {word!r} in one of its paths or commands holds a quote, $, ! or backslash; rename it"
        )
    return f'"$HOME{word[1:]}"' if word == "~" or word.startswith("~/") else f'"{word}"'


def parse_report(node: str, line: str, stderr: str = "") -> ProbeReport:
    """The report in the agent's line, whose absence `stderr` may explain; raises an AgentFailed with its reason."""
    try:
        data = json.loads(line)
        error, failure = data.get("error"), str(data.get("failure"))
        socket = data.get("socket")
    except (ValueError, AttributeError):
        error, failure, socket = None, "", None
    if not error and isinstance(socket, str) and socket:
        return ProbeReport(socket, str(data.get("version", "")), data)
    lines = [text for text in stderr.splitlines() if text.strip()]
    reason = error or (lines[-1] if lines else "it printed no report; run `node-agent probe --start` there")
    kind = _FAILURES.get(failure, AgentFailed)
    raise kind(f"{node}: its agent did not start: {sanitise(str(reason), 300)}")


class ReportReader:
    """Finds the report in a remote shell's output.

    `feed` returns True when the output is decided: then `outcome` gives the report, or `stream` is set because the
    other side began with an agent's preamble at once (a key restricted to the bridge by a forced command).
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._seen = b""
        self.stream = False

    @property
    def seen(self) -> bytes:
        """All output so far; with `stream` the beginning of the agent's stream, banner included."""
        return self._seen

    def feed(self, data: bytes) -> bool:
        self._seen += data
        if _starts_line(self._seen, MAGIC + b" "):
            self.stream = True
            return True
        return self._line() is not None

    def outcome(self, stderr: str = "") -> ProbeReport:
        """The report, or a LinkError for what was there instead."""
        line = self._line()
        if line is None:
            raise self._no_report(stderr)
        if line.startswith(_MISSING):
            system = sanitise(line.removeprefix(_MISSING).strip(), 60)
            raise AgentMissing(
                f"{self._node}: no node agent there ({system}); `relaytui node upgrade {self._node}` puts one there"
            )
        if line.startswith(f"{_SOCKET} "):
            return ProbeReport(line.removeprefix(_SOCKET).strip())
        return parse_report(self._node, line, stderr)

    def _line(self) -> str | None:
        """What follows the marker: the rest of its line, or the next line."""
        at = _starts_line(self._seen, MARKER.encode())
        if not at:
            return None
        rest = self._seen[at - 1 + len(MARKER) :].decode("utf-8", "replace")
        line, newline, after = rest.partition("\n")
        if newline and line.strip():
            return line.strip()
        line, newline, _ = after.partition("\n")
        return line.strip() if newline else None

    def _no_report(self, stderr: str) -> LinkError:
        if NO_PYTHON in stderr:
            return PythonMissing(f"{self._node}: {NO_PYTHON} there any more; install one")
        text = (stderr.strip() or self._seen.decode("utf-8", "replace").strip()).splitlines()
        said = f": {sanitise(text[-1], 200)}" if text else ""
        return AgentFailed(f"{self._node}: its login shell ran no command{said}; try `ssh` there by hand")


def _starts_line(text: bytes, word: bytes) -> int:
    """One more than where `word` starts a line of `text`, 0 where it does not."""
    at = text.find(word)
    while at > 0 and text[at - 1 : at] not in (b"\n", b"\r"):
        at = text.find(word, at + 1)
    return at + 1
