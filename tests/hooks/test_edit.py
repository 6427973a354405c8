"""Hooks in the configuration of coding agents: added, known again, taken out, and nothing else touched."""

from __future__ import annotations

import json

import pytest

from node_agent.core.hooks import PROGRAMS, HookError, is_installed, note_on, with_hooks, without_hooks
from node_agent.io.signal import HookEvent, read_hook_event

AGENT = "/home/ann/.local/state/relaytui/x/node-agent"
JSON_PROGRAMS = [program for program in PROGRAMS.values() if program.hooks]
MINE = {"matcher": "Bash", "hooks": [{"type": "command", "command": "my-own-check", "timeout": 3}]}
CONFIGS = [
    "{}\n",
    json.dumps({"model": "ü", "hooks": {"Stop": [MINE], "PreToolUse": []}, "z": [1, 2.5, None]}, indent=4) + "\n",
    json.dumps({"hooks": {"Stop": [MINE]}, "a": 1}, indent="\t", ensure_ascii=False),
]
each_program = pytest.mark.parametrize("program", JSON_PROGRAMS, ids=lambda program: program.name)


@each_program
@pytest.mark.parametrize("text", CONFIGS[1:])
def test_removing_gives_the_users_file_back(program, text) -> None:  # type: ignore[no-untyped-def]  # parametrized
    with_ours = with_hooks(program, text, AGENT)
    assert is_installed(with_ours)
    assert with_hooks(program, with_ours, AGENT) == with_ours
    left = without_hooks(program, with_ours)
    assert left is not None
    assert json.loads(left) == json.loads(text)
    assert list(json.loads(left)) == list(json.loads(text))
    assert left.count("\n\t") == text.count("\n\t")
    assert left.endswith("\n") == text.endswith("\n")


@each_program
def test_a_file_of_ours_alone_is_removed(program) -> None:  # type: ignore[no-untyped-def]  # parametrized
    assert without_hooks(program, with_hooks(program, None, AGENT)) is None
    assert without_hooks(program, "{}\n") == "{}\n"
    assert without_hooks(program, None) is None


@each_program
def test_a_new_agent_takes_the_place_of_the_old(program) -> None:  # type: ignore[no-untyped-def]  # parametrized
    moved = with_hooks(program, with_hooks(program, CONFIGS[1], "/old/agent"), AGENT)
    assert "/old/agent" not in moved
    assert moved == with_hooks(program, CONFIGS[1], AGENT)


def test_claude_code_tells_by_its_permission_request_and_not_its_notification() -> None:
    events = json.loads(with_hooks(PROGRAMS["claude"], None, AGENT))["hooks"]
    assert {"PermissionRequest", "Stop", "UserPromptSubmit", "SessionEnd"} <= set(events)
    assert "Notification" not in events


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', '// mine\n{"a": 1}', '"x"'])
def test_what_is_not_understood_is_not_touched(text: str) -> None:
    with pytest.raises(HookError):
        with_hooks(PROGRAMS["gemini"], text, AGENT)


@each_program
def test_settings_beside_the_events_stay(program) -> None:  # type: ignore[no-untyped-def]  # parametrized
    text = json.dumps({"hooks": {"enabled": True, "disabled": ["other"], "limit": 3, "Mine": [MINE]}}, indent=2) + "\n"
    with_ours = with_hooks(program, text, AGENT)
    assert json.loads(with_ours)["hooks"]["enabled"] is True
    assert without_hooks(program, with_ours) == text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gemini", '{"hooksConfig": {"enabled": false}}', "hooksConfig.enabled is false there: gemini runs no hook"),
        ("gemini", '{"hooks": {"enabled": false}}', "hooks.enabled is false there: an old Gemini CLI runs no hook"),
        ("gemini", '{"hooks": {"enabled": true}, "hooksConfig": {}}', ""),
        ("claude", '{"disableAllHooks": true}', "disableAllHooks is true there: claude runs no hook"),
        ("claude", None, ""),
        ("codex", None, "Codex runs new hooks only once you trust them"),
    ],
)
def test_a_configuration_in_which_no_hook_would_run_is_said(name: str, text: str | None, words: str) -> None:
    note = note_on(PROGRAMS[name], text)
    assert note.startswith(words)
    assert bool(note) == bool(words)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            {
                "message": "Tool Confirm Shell Command requires execution",
                "details": {
                    "type": "exec",
                    "title": "Confirm Shell Command",
                    "command": "rm -rf x",
                    "rootCommand": "rm",
                },
            },
            "Confirm Shell Command: rm -rf x",
        ),
        (
            {"details": {"type": "edit", "title": "Confirm Edit: a.py", "fileName": "a.py", "filePath": "/src/a.py"}},
            "Confirm Edit: /src/a.py",
        ),
        (
            {"details": {"type": "mcp", "title": "Confirm MCP Tool Execution", "serverName": "s", "toolName": "drop"}},
            "Confirm MCP Tool Execution: drop",
        ),
        ({"message": "Tool requires confirmation", "details": {"title": "x"}}, "Tool requires confirmation"),
        ({"message": "m", "details": ["odd"]}, "m"),
        ({"tool_name": "Bash", "tool_input": {"command": "ls"}, "details": {"command": "other"}}, "Bash: ls"),
    ],
)
def test_what_would_be_run_is_read_from_what_a_hook_is_handed(event: dict[str, object], text: str) -> None:
    assert read_hook_event(json.dumps({"session_id": "s", **event})) == HookEvent(text, "s")


def test_what_others_wrote_in_odd_forms_stays() -> None:
    text = json.dumps({"hooks": {"Stop": ["odd", {"hooks": "odd"}, {"hooks": [7]}]}}, indent=2) + "\n"
    assert without_hooks(PROGRAMS["claude"], with_hooks(PROGRAMS["claude"], text, AGENT)) == text
