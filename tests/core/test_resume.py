"""What a lost coding agent is started again with."""

from __future__ import annotations

import shlex

import pytest

from node_agent.core.resume import PROGRAMS, resume_command


@pytest.mark.parametrize(
    ("started", "again"),
    [
        ("claude", "claude --continue"),
        ("claude 'fix the build'", "claude --continue"),
        ("/opt/bin/claude --model opus 'fix it'", "/opt/bin/claude --continue --model opus"),
        (
            "claude --tools Read --add-dir ../a ../b --verbose",
            "claude --continue --tools Read --add-dir ../a ../b --verbose",
        ),
        ("claude --resume 5f2c", "claude --resume 5f2c"),
        ("claude -p 'say hi'", "claude -p 'say hi'"),
        ("claude mcp serve", "claude mcp serve"),
        ("codex", "codex resume --last"),
        ("codex -m gpt-5 -s read-only 'fix it'", "codex resume --last -m gpt-5 -s read-only"),
        ("codex exec 'fix it'", "codex exec 'fix it'"),
        ("gemini -m flash", "gemini --resume -m flash"),
        ("opencode", "opencode --continue"),
        ("copilot --allow-all-tools", "copilot --continue --allow-all-tools"),
        ("make -j8 all", "make -j8 all"),
        ("", ""),
    ],
)
def test_what_a_command_is_started_again_with(started: str, again: str) -> None:
    assert resume_command(shlex.split(started)) == tuple(shlex.split(again))


def test_an_unknown_option_is_nobodys_to_drop() -> None:
    assert resume_command(["claude", "--only-read", "fix it"]) is None


def test_of_two_conversations_in_a_directory_the_operator_picks() -> None:
    assert resume_command(["claude", "--model", "opus"], is_ambiguous=True) == ("claude", "--resume", "--model", "opus")
    assert resume_command(["gemini"], is_ambiguous=True) == ("gemini",)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_resumed_one_is_resumed_the_same_way_when_it_is_lost_again(name: str) -> None:
    again = resume_command([name])
    assert again is not None
    assert resume_command(again) == again
