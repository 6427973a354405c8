"""The owner's list of deploys: what it allows word for word, and which lists are not believed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.core.deploys import AllowList, AllowListError, NotListed, parse_allow_list
from node_agent.io.allow_list import read_allow_list

LIST = """
[api]
cwd = "/srv/api"
env = { STAGE = "live" }
steps = [
  ["git", "pull", "--ff-only"],
  ["./release", "--version={version}", "{version}"],
  ["./migrate", "{to}"],
  ["say", "{a literal brace}"],
]
[api.values]
version = 'v[0-9]+(\\.[0-9]+)*'
to = '.*'
"""


@pytest.fixture
def api() -> AllowList:
    return parse_allow_list(tomllib.loads(LIST))


@pytest.mark.parametrize(
    "command",
    [
        ["git", "pull", "--ff-only"],
        ["./release", "--version=v1.20", "v1.20"],
        ["./migrate", "head of main"],
        ["./migrate", ""],
        ["say", "{a literal brace}"],
    ],
)
def test_a_listed_command_passes(api: AllowList, command: list[str]) -> None:
    deploy = api.check("api", command)
    assert (deploy.cwd, deploy.env) == ("/srv/api", {"STAGE": "live"})


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["git"],
        ["git", "pull"],
        ["git", "pull", "--ff-only", "--upload-pack=sh"],
        ["git", "pull", "--ff-only "],
        ["git pull --ff-only"],
        ["GIT", "pull", "--ff-only"],
        ["./release", "--version=v1", "v2"],  # one value, not two
        ["./release", "--version=v1; sh", "v1; sh"],
        ["./release", "--version=v1\n", "v1\n"],
        ["./release", "--version=", ""],
        ["./migrate", "--force"],  # a value must not become an option
        ["./migrate", "-x"],
        ["./migrate", "a\x1b[2Jb"],
        ["./migrate", "a\nb"],
        ["sh", "-c", "git pull --ff-only"],
    ],
)
def test_what_differs_by_a_word_or_a_character_is_refused(api: AllowList, command: list[str]) -> None:
    with pytest.raises(NotListed):
        api.check("api", command)


def test_a_deploy_has_its_own_steps_alone(api: AllowList) -> None:
    with pytest.raises(NotListed, match="no deploy 'web'"):
        api.check("web", ["git", "pull", "--ff-only"])


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_of_all_commands_only_the_listed_one_passes(command: list[str]) -> None:
    listed = parse_allow_list({"x": {"steps": [["run", "it"]]}})
    if command == ["run", "it"]:
        return
    with pytest.raises(NotListed):
        listed.check("x", command)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["a b"]\nsteps = [["x"]]', "a deploy's name"),
        ("api = 1", "must be a table"),
        ("[api]", "no steps"),
        ("[api]\nsteps = []", "no steps"),
        ('[api]\nsteps = ["git pull"]', "list of words"),
        ("[api]\nsteps = [[]]", "list of words"),
        ('[api]\nsteps = [["x", 1]]', "list of words"),
        ('[api]\nsteps = [["{what}"]]\nvalues = { what = "x" }', "must be written out"),
        ('[api]\nsteps = [["x", "{y}"]]', "no pattern for {y}"),
        ('[api]\nsteps = [["x", "{y}{z}"]]\nvalues = { y = "a", z = "b" }', "at most one value"),
        ('[api]\nsteps = [["x"]]\nvalues = { y = "(" }', "no regular expression"),
        ('[api]\nsteps = [["x"]]\ncwd = "srv"', "cwd must be"),
        ('[api]\nsteps = [["x"]]\nenv = { A = 1 }', "table of texts"),
        ('[api]\nsteps = [["x"]]\nshell = true', "unknown key 'shell'"),
    ],
)
def test_a_faulty_list_is_refused_whole_and_says_where(text: str, words: str) -> None:
    with pytest.raises(AllowListError, match=words.replace("{", r"\{")):
        parse_allow_list(tomllib.loads(text))


def test_a_list_is_read_where_its_owner_alone_can_change_it(tmp_path: Path) -> None:
    path = tmp_path / "deploy.toml"
    path.write_text(LIST)
    path.chmod(0o644)
    assert read_allow_list(path).check("api", ["git", "pull", "--ff-only"])


def test_a_list_that_others_could_change_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "deploy.toml"
    with pytest.raises(AllowListError, match="its owner writes there"):
        read_allow_list(path)
    path.write_text(LIST)
    for mode in (0o664, 0o646):
        path.chmod(mode)
        with pytest.raises(AllowListError, match="chmod go-w"):
            read_allow_list(path)
    path.chmod(0o600)
    tmp_path.chmod(0o777)
    with pytest.raises(AllowListError, match="chmod go-w"):
        read_allow_list(path)
    tmp_path.chmod(0o700)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    with pytest.raises(AllowListError):
        read_allow_list(link)
    fifo = tmp_path / "fifo.toml"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(AllowListError, match="not a regular file"):
        read_allow_list(fifo)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(AllowListError, match="utf-8"):
        read_allow_list(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_list_of_another_user_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "deploy.toml"
    path.write_text(LIST)
    path.chmod(0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(AllowListError, match="uid 12345"):
        read_allow_list(path)
