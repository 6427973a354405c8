"""Notifications as escape sequences: bell, OSC 9 (iTerm2), 777 (urxvt), 99 (kitty), through tmux too. Sans-IO."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from node_agent.terminal.sanitise import sanitise

_TITLE_LIMIT = 200
_BODY_LIMIT = 500


def notification(kind: str, key: str, title: str, body: str) -> str:
    """The sequence that tells a terminal; nothing a program printed can end it early.

    `key` is the alert's: kitty has a notification replace the one of the same id, which must be told of the same thing.
    """
    title, body = sanitise(title, _TITLE_LIMIT), sanitise(body, _BODY_LIMIT)
    match kind:
        case "bell":
            return "\a"
        case "osc9":
            return f"\x1b]9;{': '.join(filter(None, (title, body)))}\x1b\\"
        case "osc777":
            return f"\x1b]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}\x1b\\"
        case "osc99":
            name = (
                f"relaytui-{hashlib.sha256(key.encode()).hexdigest()[:16]}"  # an id has few characters to choose from
            )
            head = f"\x1b]99;i={name}:d={0 if body else 1};{title}\x1b\\"
            return head + (f"\x1b]99;i={name}:d=1:p=body;{body}\x1b\\" if body else "")
    raise ValueError(f"no terminal notification {kind!r}")


def wrapped(sequence: str, environment: Mapping[str, str]) -> str:
    """The sequence as it gets through tmux (allow-passthrough has to be on there); a bell needs nothing."""
    if "TMUX" not in environment or not sequence.startswith("\x1b"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
