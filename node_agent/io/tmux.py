"""The tmux sessions that are on this machine already, for an operator who does not want to start over."""

from __future__ import annotations

import subprocess
from typing import Any, Dict, List, Tuple

_FIELDS = (
    "socket_path",
    "session_name",
    "session_windows",
    "session_created",
    "session_attached",
    "pane_current_command",
)
_FORMAT = "\t".join(f"#{{{field}}}" for field in _FIELDS)
_LIMIT = 5.0


class TmuxError(Exception):
    """tmux cannot be asked; the message is one line."""


def tmux_sessions() -> List[Dict[str, Any]]:
    """Name, windows, start (Unix seconds), clients and foreground program of each; none where no server runs.

    Raises TmuxError where there is no tmux or it does not answer.
    """
    try:
        done = subprocess.run(
            ["tmux", "list-sessions", "-F", _FORMAT], stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT
        )
    except FileNotFoundError as error:
        raise TmuxError("there is no tmux on this machine") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TmuxError(f"tmux does not answer: {error}") from error
    if done.returncode:
        return []  # "no server running": there is nothing to adopt
    return [
        _session(line)
        for line in done.stdout.decode("utf-8", "replace").splitlines()
        if line.count("\t") == len(_FIELDS) - 1
    ]


def adopt_command(server: str, name: str) -> Tuple[str, ...]:
    """What shows a tmux session without changing the size others see it at (tmux(1), attach-session -f).

    The server is named by its socket: a session's environment has no TMUX_TMPDIR.
    """
    return ("tmux", "-S", server, "attach-session", "-f", "ignore-size", "-t", f"={name}")


def _session(line: str) -> Dict[str, Any]:
    server, name, windows, created, attached, program = line.split("\t")
    return {
        "name": name,
        "windows": _number(windows),
        "created": _number(created),
        "attached": _number(attached),
        "program": program,
        "command": list(adopt_command(server, name)),
    }


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
