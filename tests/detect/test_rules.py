"""Rule files: what ships is sound and cheap on any screen, the user's come first and are read again when changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from node_agent.detect.evidence import Program
from node_agent.detect.rules import Role, RuleError, build_rule_book
from node_agent.detect.screen import read_prompt
from node_agent.io.rule_files import RuleFiles
from tests.detect.still import view_of

PIECES = [
    " ",
    "a",
    "│",
    "1",
    "❯",
    "> ",
    "~",
    "?",
    "(",
    "…",
    "· ",
    "(Y)",
    "0/0 ",
    "Do you want to ",
    "Permission required ",
]
PIECES += [
    "[a,",
    "1. ",
    "a b ",
    "$ x",
    "- ",
    "<O>",
    "[ O ]",
    "pass ",
    "y/n ",
    "(y",
    "*",
    "1:1",
    "x: ",
    "name (",
    "in [1",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.timeout(20)
def test_no_screen_makes_a_rule_slow(piece: str) -> None:
    book = RuleFiles().book
    for indent in ("", " "):
        text = "\n".join([indent + (piece * 200)[:190]] * 40)
        for is_cooked in (True, False):
            read_prompt(view_of(text, columns=200, rows=40), book.programs, frozenset(), is_cooked, False)


@pytest.mark.parametrize(
    ("program", "role"),
    [
        (Program(1, "bash"), Role.SHELL),
        (Program(1, "python3.12"), Role.REPL),
        (Program(1, "vim.basic"), Role.EDITOR),
        (Program(1, "less"), Role.PAGER),
        (Program(1, "whiptail"), Role.PICKER),
        (Program(1, "ssh"), Role.RELAY),
        (Program(1, "tmux: client"), Role.RELAY),
        (Program(1, "htop"), Role.MONITOR),
        (Program(1, "claude"), Role.AGENT),
        (Program(1, "node", "gemini"), Role.AGENT),
        (Program(1, "python3", "aider"), Role.AGENT),
    ],
)
def test_what_ships_knows(program: Program, role: Role) -> None:
    assert RuleFiles().book.of([program])[0].role is role


def test_the_users_rules_win(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[program]]\nname = "my pager"\ncommands = ["vim"]\nrole = "pager"\n')
    assert RuleFiles(tmp_path).book.of([Program(1, "vim")])[0].role is Role.PAGER


def test_changed_rules_are_read_again(tmp_path: Path) -> None:
    files = RuleFiles(tmp_path)
    assert not files.reload()
    path = tmp_path / "mine.toml"
    path.write_text('[[program]]\nname = "x"\nrole = "editor"\n')
    assert files.reload()
    assert files.book.of([Program(1, "x")])[0].role is Role.EDITOR
    path.write_text('[[program]]\nname = "x"\nrole = "pager"\n')
    os.utime(path, (1, 1))
    assert files.reload()
    assert files.book.of([Program(1, "x")])[0].role is Role.PAGER
    assert not files.reload()


def test_a_broken_file_of_the_users_is_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        '[[program]]\nname = "x"\n[[program.rule]]\nid = "r"\nstate = "asking"\nmatch = "("\n'
    )
    (tmp_path / "good.toml").write_text('[[program]]\nname = "y"\nrole = "pager"\n')
    files = RuleFiles(tmp_path)
    assert len(files.problems) == 1
    assert "x: r" in files.problems[0]
    assert files.book.of([Program(1, "y")])[0].role is Role.PAGER
    assert files.book.of([Program(1, "bash")])[0].role is Role.SHELL


@pytest.mark.parametrize(
    "document",
    [
        {"program": [{}]},
        {"program": [{"name": "x", "role": "wizard"}]},
        {"program": [{"name": "x", "rule": [{"state": "asking"}]}]},
        {"program": [{"name": "x", "rule": [{"state": "sad", "match": "x"}]}]},
        {"program": [{"name": "x", "rule": [{"state": "asking", "match": "x", "kind": "riddle"}]}]},
    ],
)
def test_unusable_rules_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(RuleError):
        build_rule_book([document])
