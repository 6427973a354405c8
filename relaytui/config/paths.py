"""Where the console keeps its files: the one place that knows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from relaytui.config.models import ConfigError

_APP = "relaytui"
_LONGEST_SOCKET = 100
"""Bytes: sockaddr_un has 108, some systems 104 (unix(7))."""


def config_dir() -> Path:
    """The directory of `config.toml`; RELAYTUI_CONFIG_DIR moves it."""
    return _directory("RELAYTUI_CONFIG_DIR", platformdirs.user_config_dir(_APP))


def cache_dir() -> Path:
    """The directory of last screens and event cursors; RELAYTUI_CACHE_DIR moves it."""
    return _directory("RELAYTUI_CACHE_DIR", platformdirs.user_cache_dir(_APP))


def pictures_dir() -> Path:
    """What consoles and hubs saw of each node last."""
    return cache_dir() / "nodes"


def state_dir() -> Path:
    """The directory of logs; RELAYTUI_STATE_DIR moves it."""
    return _directory("RELAYTUI_STATE_DIR", platformdirs.user_state_dir(_APP))


@contextmanager
def writing_state(path: Path) -> Iterator[None]:
    """While a file of the state directory is made: an OSError becomes a ConfigError that says what moves it."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}; set RELAYTUI_STATE_DIR") from error


def config_file() -> Path:
    return config_dir() / "config.toml"


def policy_ledger() -> Path:
    """What rules decided on this machine."""
    return state_dir() / "policy.jsonl"


def hub_log() -> Path:
    return state_dir() / "hub.log"


def hub_socket() -> Path:
    """Where the hub listens; under the temp directory where the state directory's path is too long for a socket."""
    path = state_dir() / "hub.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"relaytui-hub-{os.getuid()}" / name


def _directory(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()
