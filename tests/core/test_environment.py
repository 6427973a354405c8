"""What a session inherits."""

from __future__ import annotations

import pytest

from node_agent.core.environment import session_environment


def env(base: dict[str, str], given: dict[str, str] | None = None, *, bare: bool = False) -> dict[str, str]:
    return session_environment(base, given or {}, "node", "/state/node-agent", bare)


def test_the_terminals_own_variables_are_set_and_others_are_not_believed() -> None:
    found = env(
        {"TERM": "linux", "TMUX": "/tmp/x", "STY": "1", "SSH_CONNECTION": "a b", "COLUMNS": "80", "EDITOR": "vi"}
    )
    assert found["TERM"] == "xterm-256color"
    assert found["EDITOR"] == "vi"
    assert not {"TMUX", "STY", "SSH_CONNECTION", "COLUMNS"} & set(found)


def test_the_ssh_agent_stays_reachable() -> None:
    assert env({"SSH_AUTH_SOCK": "/run/agent"})["SSH_AUTH_SOCK"] == "/run/agent"


def test_a_bare_session_has_what_a_login_gives_and_no_more() -> None:
    found = env({"HOME": "/h", "PATH": "/bin", "SECRET": "x"}, bare=True)
    assert "SECRET" not in found
    assert (found["HOME"], found["PATH"]) == ("/h", "/bin")


def test_what_is_given_wins() -> None:
    assert env({"A": "1", "PATH": "/bin"}, {"A": "2", "TERM": "dumb"})["TERM"] == "dumb"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, {"LANG": "de_DE.UTF-8"}),
        ({"LANG": "de_DE.utf8"}, {"LANG": "de_DE.utf8"}),
        ({}, {"LC_CTYPE": "C.UTF-8"}),
        ({"LANG": "C"}, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}),
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, {"LANG": "en_GB.UTF-8", "LC_CTYPE": "C.UTF-8"}),
        ({"LC_ALL": "de_DE"}, {"LANG": "de_DE", "LC_CTYPE": "C.UTF-8"}),
    ],
)
def test_the_character_set_is_utf8_whatever_the_language(base: dict[str, str], expected: dict[str, str]) -> None:
    found = {name: value for name, value in env(base).items() if name.startswith(("LC_", "LANG"))}
    assert found == expected
