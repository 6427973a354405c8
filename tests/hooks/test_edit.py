"""Hooks in the configuration of coding agents: added, known again, taken out, and nothing else touched."""

from __future__ import annotations

import json

import pytest

from node_agent.core.hooks import PROGRAMS, HookError, is_installed, with_hooks, without_hooks

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


def test_what_others_wrote_in_odd_forms_stays() -> None:
    text = json.dumps({"hooks": {"Stop": ["odd", {"hooks": "odd"}, {"hooks": [7]}]}}, indent=2) + "\n"
    assert without_hooks(PROGRAMS["claude"], with_hooks(PROGRAMS["claude"], text, AGENT)) == text
