"""Real coding agents with a stand-in for the model behind them: how each is configured in a home of its own.

They are not installed by the tests: `RELAYTUI_AGENTS` names the directory that has their commands, else PATH does.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STAND_IN = Path(__file__).parents[3] / "shared" / "agents" / "mock_api.py"
_API_KEY = "sk-ant-api03-0123456789012345678901234567890123456789"


@dataclass(frozen=True)
class CodingAgent:
    """One program. `prepare` writes its configuration below a home, and gives the variables it needs."""

    name: str
    prepare: Callable[[Path, str], dict[str, str]]
    arguments: tuple[str, ...] = ()

    @property
    def path(self) -> str | None:
        """Its command, None where it is not installed."""
        places = os.pathsep.join([os.environ.get("RELAYTUI_AGENTS", ""), os.environ["PATH"]])
        return shutil.which(self.name, path=places)


def _claude(home: Path, api: str) -> dict[str, str]:
    answers = {"approved": [_API_KEY[-20:]], "rejected": []}
    _write(home / ".claude.json", {"hasCompletedOnboarding": True, "customApiKeyResponses": answers})
    return {"ANTHROPIC_BASE_URL": api, "ANTHROPIC_API_KEY": _API_KEY, "DISABLE_AUTOUPDATER": "1"}


def _codex(home: Path, api: str) -> dict[str, str]:
    (home / ".codex").mkdir(exist_ok=True)
    config = f"""\
model = "mock-1"
model_provider = "mock"
check_for_update_on_startup = false
approval_policy = "on-request"
sandbox_mode = "read-only"

[model_providers.mock]
name = "mock"
base_url = "{api}/v1"
wire_api = "responses"
"""
    (home / ".codex" / "config.toml").write_text(config, encoding="utf-8")
    return {"CODEX_HOME": str(home / ".codex")}


def _opencode(home: Path, api: str) -> dict[str, str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Mock",
        "options": {"baseURL": f"{api}/v1", "apiKey": "none"},
        "models": {"mock-1": {"name": "Mock 1"}},
    }
    config = {
        "model": "mock/mock-1",
        "autoupdate": False,
        "permission": {"bash": "ask", "edit": "ask"},
        "provider": {"mock": provider},
    }
    directory = home / ".config" / "opencode"
    _write(directory / "opencode.json", config)
    return {"XDG_CONFIG_HOME": str(home / ".config"), "XDG_DATA_HOME": str(home / ".local" / "share")}


def _plain(home: Path, api: str) -> dict[str, str]:
    return {}


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


CLAUDE = CodingAgent("claude", _claude, ("--permission-mode", "default"))
CODEX = CodingAgent("codex", _codex)
OPENCODE = CodingAgent("opencode", _opencode)
GEMINI = CodingAgent("gemini", _plain)
COPILOT = CodingAgent("copilot", _plain)
QWEN = CodingAgent("qwen", _plain)
