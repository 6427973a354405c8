"""Where the console keeps its files: the one place that knows."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "relaytui"


def config_dir() -> Path:
    """The directory of `config.toml`; RELAYTUI_CONFIG_DIR moves it."""
    return _directory("RELAYTUI_CONFIG_DIR", platformdirs.user_config_dir(_APP))


def cache_dir() -> Path:
    """The directory of last screens and event cursors; RELAYTUI_CACHE_DIR moves it."""
    return _directory("RELAYTUI_CACHE_DIR", platformdirs.user_cache_dir(_APP))


def state_dir() -> Path:
    """The directory of logs; RELAYTUI_STATE_DIR moves it."""
    return _directory("RELAYTUI_STATE_DIR", platformdirs.user_state_dir(_APP))


def config_file() -> Path:
    return config_dir() / "config.toml"


def _directory(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()
