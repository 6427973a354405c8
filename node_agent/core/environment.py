"""The environment a session starts with: what is taken over, removed and set."""

from __future__ import annotations

from typing import Dict, Mapping, Optional

_STALE_PREFIXES = ("SSH_", "RELAY_", "TMUX", "BASH_FUNC_")
_STALE = frozenset(
    (
        "STY", "WINDOW", "COLUMNS", "LINES", "TERMCAP", "OLDPWD", "SHLVL", "_",
        "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "WT_SESSION", "WT_PROFILE_ID", "KONSOLE_VERSION", "VTE_VERSION",
        "WEZTERM_PANE", "KITTY_WINDOW_ID", "KITTY_PID", "ITERM_SESSION_ID", "LC_TERMINAL", "LC_TERMINAL_VERSION",
        "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "MANAGERPID",
    )
)  # fmt: skip  # words, as many as fit a row
"""Variables that speak of the terminal, login or service the environment was read in, which the session is not in."""

_KEPT = ("SSH_AUTH_SOCK",)
_BARE = ("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TZ", "TMPDIR")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def session_environment(
    base: Mapping[str, str], given: Mapping[str, str], node: str, agent: str, bare: bool = False
) -> Dict[str, str]:
    """The environment of a new session: `base` without what is stale, the terminal's own variables, then `given`."""
    if bare:
        env = {name: base[name] for name in _BARE if name in base}
    else:
        env = {name: value for name, value in base.items() if name in _KEPT or not _is_stale(name)}
    env.setdefault("PATH", DEFAULT_PATH)
    env.update(TERM="xterm-256color", COLORTERM="truecolor", RELAY_NODE=node, RELAY_AGENT=agent)
    env.update(given)
    _ensure_utf8(env)
    return env


def _is_stale(name: str) -> bool:
    return name in _STALE or name.startswith(_STALE_PREFIXES)


def _ensure_utf8(env: Dict[str, str]) -> None:
    """Make the character set UTF-8 without changing language or formats: the engines speak nothing else."""
    effective: Optional[str] = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG")
    if effective and "utf8" in effective.lower().replace("-", ""):
        return
    all_of_it = env.pop("LC_ALL", None)
    if all_of_it and all_of_it not in ("C", "POSIX"):
        env["LANG"] = all_of_it
    env["LC_CTYPE"] = "C.UTF-8"
