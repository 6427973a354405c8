"""Sessions and nodes as the rows and JSON objects that commands print. README documents the fields."""

from __future__ import annotations

import os
import shlex
import time
from typing import Any

from node_agent.protocol.entities import AskInfo, SessionInfo
from node_agent.protocol.states import Attention, SessionState
from relaytui.cli.output import age

SESSION_HEADINGS = ("ID", "STATE", "FOR", "TITLE", "TAGS", "COMMAND")


def session_json(node: str, session: SessionInfo, *, stale: bool = False) -> dict[str, Any]:
    """A session as `ls --json` prints it. Times are Unix seconds of this machine's clock, but `started` and `at`,
    which are the node's."""
    ended = session.exit
    return {
        "id": session.id,
        "node": node,
        "title": session.title,
        "command": list(session.command),
        "cwd": session.cwd,
        "tags": list(session.tags),
        "size": [session.columns, session.rows],
        "started": session.started,
        "attention": session.attention.value,
        "since": round(time.time() - session.attention_age, 3),
        "state": session.state.value,
        "program": session.program,
        "ask": session.ask and ask_json(session.ask),
        "exited": ended and {"code": ended.code, "signal": ended.signal, "at": ended.at, "reason": ended.reason},
        "lease": session.lease and session.lease.holder,
        "bytes": session.head,
        "restart": session.restart.value,
        "note": session.note,
        "stale": stale,
    }


def ask_json(ask: AskInfo) -> dict[str, Any]:
    """An ask as it stands in a session's JSON."""
    return {
        "id": ask.id,
        "kind": ask.kind.value,
        "excerpt": ask.excerpt,
        "options": [
            {"label": option.label, "key": option.key, "selected": option.selected, "default": option.default}
            for option in ask.options
        ],
        "since": round(time.time() - ask.age, 3),
        "quiet": ask.quiet,
    }


def session_row(node: str, session: SessionInfo, stale: float | None = None) -> tuple[str, ...]:
    """A session as a row under `SESSION_HEADINGS`; `stale` says for how many seconds its node has said nothing."""
    return (
        f"{node}/{session.id}",
        state_words(session) if stale is None else f"{stale_words(stale)}: {state_words(session)}",
        age(session.attention_age),
        session.title,
        ",".join(session.tags),
        command_line(session.command),
    )


def stale_words(seconds: float) -> str:
    """That something is what a node showed so long ago, and not what is so."""
    return f"↯ stale {age(seconds)}"


def command_line(command: tuple[str, ...]) -> str:
    """A command as a shell would take it; the login shell has none."""
    return shlex.join(command) if command else "(login shell)"


def state_words(session: SessionInfo) -> str:
    """A session's attention with the symbol that goes with it everywhere."""
    if session.state is SessionState.LOST and session.attention is Attention.EXITED:
        return "↯ lost"
    if session.attention is Attention.EXITED:
        return _exit_words(session)
    symbol = {Attention.ASKING: "◆", Attention.WORKING: "▶", Attention.IDLE: "·", Attention.UNKNOWN: "?"}
    word = session.attention.value
    if session.attention is Attention.ASKING and session.ask is not None:
        word += f" {session.ask.kind.value}"
    return f"{symbol[session.attention]} {word}"


def _exit_words(session: SessionInfo) -> str:
    ended = session.exit
    if ended is None or (ended.code is None and ended.signal is None):
        return "? exited"
    if ended.signal is not None:
        return f"✗ killed {ended.signal}"
    return "✓ done" if ended.code == os.EX_OK else f"✗ failed {ended.code}"
