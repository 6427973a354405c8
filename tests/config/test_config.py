"""The config file: what is read, what is refused with which line, what is written."""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from node_agent.protocol.states import Restart
from relaytui.config import (
    LOCAL,
    Config,
    ConfigError,
    NodeConfig,
    Order,
    Transport,
    UiConfig,
    cache_dir,
    config_dir,
    config_file,
    load_config,
    save_config,
    state_dir,
)
from relaytui.config.file import config_to_toml, parse_config
from relaytui.config.text import edited

FULL = """
operator = "ann@desk"

[ui]
theme = "light"
order = "attention"
interval = 1
ascii = true

[nodes.gpu-box]
host = "gpu"
user = "ann"
port = 2222
tags = ["gpu", "cuda12"]

[nodes.gpu-box.options]
ProxyJump = "bastion"

[nodes.demo]
socket = "/run/demo.sock"
"""


def test_a_missing_file_is_an_empty_config(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.toml")
    assert config.nodes == (NodeConfig(LOCAL, transport=Transport.UNIX),)
    assert config.ui == UiConfig()


def test_everything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FULL)
    config = load_config(path)
    assert config.operator == "ann@desk"
    assert config.ui == UiConfig(theme="light", order=Order.ATTENTION, interval=1.0, ascii=True)
    assert config.node(LOCAL).transport is Transport.UNIX
    assert config.node("gpu-box") == NodeConfig(
        "gpu-box", host="gpu", user="ann", port=2222, tags=("gpu", "cuda12"), options={"ProxyJump": "bastion"}
    )
    assert config.node("demo") == NodeConfig("demo", transport=Transport.UNIX, socket="/run/demo.sock")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("operator = ann", r"not TOML: .*line 1.*; correct that line"),
        ("[ui\n", r"line 1"),
        ("thme = 1", r"thme: unknown key; known are channels, jobs, nodes, operator, restarts, rules, ui"),
        ("[ui]\nthme = 'dark'", r"ui\.thme: unknown key; did you mean 'theme'\?"),
        ("[ui]\norder = 'size'", r"ui\.order: 'size' is not one of 'node', 'attention', 'started'"),
        ("[ui]\nascii = 1", r"ui\.ascii: must be true or false, is 1"),
        ("[ui]\ninterval = 0", r"ui\.interval: must lie between 0\.02 and 10"),
        ("[ui]\nbackground = 'white'", r"ui\.background: 'white' is no colour; write it as #rrggbb"),
        ("[ui]\ncursor = '#fffffff'", r"ui\.cursor: '#fffffff' is no colour; write it as #rrggbb"),
        ("ui = 3", r"ui: must be a table"),
        ("[nodes.a]\nport = 'x'\nhost='h'", r"nodes\.a\.port: must be a whole number, is 'x'"),
        ("[nodes.a]\nhost='h'\ntags = 'gpu'", r"nodes\.a\.tags: must be a list of texts"),
        ("[nodes.a]\nhost='h'\noptions = {Port = 1}", r"nodes\.a\.options: must be a table of texts"),
        ("[nodes.a]\nhots='h'", r"nodes\.a\.hots: unknown key; did you mean 'host'\?"),
        ("[nodes.a]\n", r"node 'a': no host; add host"),
        ("[nodes.a]\nhost = '-oProxyCommand=reboot'", r"would be read as an option"),
        ("[nodes.a]\nhost = 'h'\ntransport = 'unix'", r"exclude each other"),
        ("[nodes.a]\nhost = 'h'\nagent = \"it's\"", r"node 'a': agent cannot be split into words .*; correct it"),
        ("[nodes.a]\nhost = 'h'\nagent = ' '", r"node 'a': agent is blank; name a command or remove it"),
        (
            "[nodes.a]\nhost = 'h'\nresolver = 'command'\nresolver_command = \"it's\"",
            r"node 'a': resolver_command cannot be split into words .*; correct it",
        ),
        (
            "[nodes.a]\nhost = 'h'\nresolver = 'command'\nresolver_command = ' '",
            r"node 'a': resolver_command is blank; name a command or remove it",
        ),
        ("[nodes.'a/b']\nhost = 'h'", r"an alias is letters, digits"),
        ("[nodes.a]\nhost = 'h'\nalias = 'b'", r"the table's name is the alias"),
        ("\ufeffx = '\u0000'", r"not TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_the_file_stays(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(ConfigError):
        save_config(Config(), path)
    assert path.read_text() == text


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"operator = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 12"):
        load_config(path)


def test_saving_replaces_the_file_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    config = Config(nodes=(NodeConfig("gpu", host="gpu"),), operator="ann@desk")
    save_config(config, path)
    assert load_config(path) == config
    assert path.stat().st_mode & 0o777 == 0o600
    save_config(replace(config, ui=UiConfig(theme="light")), path)
    assert load_config(path).ui.theme == "light"
    assert [item.name for item in path.parent.iterdir()] == ["config.toml"]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("operator = 'ann'")
    path = tmp_path / "config.toml"
    path.symlink_to(real)
    save_config(Config(operator="bob"), path)
    assert path.is_symlink()
    assert load_config(real).operator == "bob"


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ALIAS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,8}\Z")
COMMAND = st.lists(TEXT, max_size=2).map(lambda words: shlex.join(["node-agent", *words])) | st.just("")
NODES = st.builds(
    NodeConfig,
    alias=ALIAS,
    host=ALIAS,
    user=TEXT,
    port=st.integers(0, 65535),
    agent=COMMAND,
    state=TEXT,
    options=st.dictionaries(TEXT, TEXT, max_size=2),
    tags=st.lists(TEXT, max_size=3).map(tuple),
) | st.builds(NodeConfig, alias=ALIAS, transport=st.just(Transport.UNIX), socket=TEXT, state=TEXT)


CONFIGS = st.builds(
    Config,
    nodes=st.lists(NODES, max_size=4, unique_by=lambda node: node.alias).map(tuple),
    ui=st.builds(UiConfig, theme=TEXT, prefix=TEXT, interval=st.floats(0.02, 10), bell=st.booleans()),
    operator=TEXT,
)


@given(CONFIGS)
def test_what_is_written_reads_back_equal(config: Config) -> None:
    assert parse_config(config_to_toml(config)) == config


@given(CONFIGS, CONFIGS)
@example(
    Config(ui=UiConfig(theme="\x85")), Config(ui=UiConfig(theme="light"))
)  # ends a line in Unicode and not in TOML
def test_a_text_that_is_changed_in_places_says_what_it_should(before: Config, after: Config) -> None:
    after = replace(after, operator=before.operator)
    old, new = config_to_toml(before), config_to_toml(after)
    text = edited(tomli_w.dumps(old), old, new)
    assert tomllib.loads(text) == new


COMMENTED = """\
# everybody's
operator = "ann"  # me

[ui]
# softer
theme = "light"

# the big one, in rack 3
[nodes.gpu]
host = "gpu"   # by its name
tags = ["a",
  "b"]

# a spare
[nodes.box]
host = 'box'
[nodes.box.options]
ProxyJump = "bastion"  # until the move

# what beeps
[channels.bell]
kind = "bell"
"""


def changed(tmp_path: Path, change: Callable[[Config], Config]) -> list[str]:
    """The lines of the commented file that a change took away or added, marked as diff does."""
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    config = change(load_config(path))
    save_config(config, path)
    assert load_config(path) == config
    lines = difflib.unified_diff(COMMENTED.splitlines(), path.read_text().splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_what_did_not_change_stays_as_it_was_written(tmp_path: Path) -> None:
    spare = NodeConfig("spare", host="spare")
    assert changed(tmp_path, lambda config: config) == []
    added = changed(tmp_path, lambda config: replace(config, nodes=(*config.nodes, spare)))
    assert added == ["+", "+[nodes.spare]", '+host = "spare"']
    removed = changed(tmp_path, lambda config: replace(config, nodes=config.nodes[:-1]))
    assert removed == [f"-{line}" for line in COMMENTED.splitlines()[13:19]]
    prefix = changed(tmp_path, lambda config: replace(config, ui=replace(config.ui, prefix="ctrl+a")))
    assert prefix == ['+prefix = "ctrl+a"']
    theme = changed(tmp_path, lambda config: replace(config, ui=replace(config.ui, theme="dark")))
    assert theme == ['-theme = "light"']


def test_a_renamed_node_keeps_its_place_and_comment(tmp_path: Path) -> None:
    def rename(config: Config) -> Config:
        nodes = [replace(node, alias="big") if node.alias == "gpu" else node for node in config.nodes]
        return replace(config, nodes=tuple(nodes))

    lines = changed(tmp_path, rename)
    assert "+[nodes.big]" in lines
    assert not [line for line in lines if "rack" in line or "spare" in line]


def test_a_file_that_cannot_be_changed_in_places_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('nodes = {gpu = {host = "gpu"}}\n')
    config = replace(load_config(path), nodes=(NodeConfig("box", host="box"),))
    save_config(config, path)
    assert load_config(path) == config


def test_variables_move_the_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"RELAYTUI_{name}_DIR", str(tmp_path / name))
    assert (config_dir(), cache_dir(), state_dir()) == tuple(tmp_path / name for name in ("CONFIG", "CACHE", "STATE"))
    assert config_file() == tmp_path / "CONFIG" / "config.toml"


def test_an_unknown_alias_names_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"no node 'x'; there is local; `relaytui node add`"):
        Config().node("x")


RESTARTS = """
[restarts.agents]
restart = "auto"
program = "claude"

[restarts.others]
restart = "ask"
node = "gpu-*"
tag = "train"
"""


@pytest.mark.parametrize(
    ("node", "command", "tags", "restart"),
    [
        ("local", ("/opt/bin/claude", "fix it"), (), Restart.AUTO),
        ("gpu-1", ("make",), ("big", "train"), Restart.ASK),
        ("gpu-1", ("make",), (), Restart.NEVER),
        ("local", ("make",), ("train",), Restart.NEVER),
        ("local", (), (), Restart.NEVER),
    ],
)
def test_the_first_rule_that_fits_says_what_becomes_of_a_lost_session(
    tmp_path: Path, node: str, command: tuple[str, ...], tags: tuple[str, ...], restart: Restart
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(RESTARTS)
    config = load_config(path)
    assert config.restart_for(node, command, tags) is restart
    assert parse_config(config_to_toml(config)) == config
