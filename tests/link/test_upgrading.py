"""What becomes of an agent that is older than this program, or newer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import node_agent
from node_agent.io.exchange import newer_agent
from node_agent.io.paths import NodePaths, node_paths
from node_agent.io.start import is_serving
from node_agent.protocol.version import Versions
from relaytui.cli.doctor import judge_link
from relaytui.config import NodeConfig, Transport, Upgrade
from relaytui.link.errors import AgentTooNew
from relaytui.link.versions import is_newer, is_older, is_ours_to_replace
from tests.home import Home, open_home
from tests.link.scripted import scripted_agent
from tests.link.test_core import Watched, running_core
from tests.waiting import eventually

_OTHER = "import node_agent; node_agent.__version__ = '{}'; from node_agent.__main__ import main; main()"


@pytest.mark.parametrize(
    ("version", "older"),
    [("0.0.9", True), ("0.0", True), ("99.0", False), ("0.10.0", False), ("", False), ("x", False)],
)
def test_which_versions_are_older(version: str, older: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_agent, "__version__", "0.9.1")
    assert is_older(version) is older


@pytest.mark.parametrize(
    ("version", "newer"),
    [("0.9.2", True), ("0.10", True), ("99.0", True), ("0.9.1", False), ("0.9.0", False), ("", False), ("x", False)],
)
def test_which_versions_are_newer(version: str, newer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_agent, "__version__", "0.9.1")
    assert is_newer(version) is newer


def test_an_agent_that_somebody_else_put_there_is_not_replaced() -> None:
    assert is_ours_to_replace(NodeConfig("a", host="a"))
    assert not is_ours_to_replace(NodeConfig("a", host="a", agent="node-agent"))
    assert not is_ours_to_replace(NodeConfig("a", transport=Transport.UNIX, socket="/s"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path) as home:
        yield home


async def old_agent(home: Home) -> tuple[NodePaths, int]:
    """Start an older agent in `home`; where it lives, and its process id."""
    return await other_agent(home, "0.0.9")


async def other_agent(home: Home, version: str) -> tuple[NodePaths, int]:
    """The same of any release."""
    state = home.directory / "box"
    paths = node_paths(state, home.env)
    command = [sys.executable, "-c", _OTHER.format(version), "serve", "--state", str(state)]
    agent = subprocess.Popen(command, env=home.env, stdin=subprocess.DEVNULL, start_new_session=True)
    agent.returncode = 0  # it is ended with the home
    await eventually(lambda: is_serving(paths))
    return paths, agent.pid


def box(home: Home, upgrade: Upgrade) -> NodeConfig:
    """The node of that agent, as a core in this process reaches it."""
    variables = " ".join(f"{name}={home.env[name]}" for name in ("RELAY_RUNTIME_DIR", "HOME", "PYTHONPATH"))
    agent = f"env {variables} {sys.executable} -P -m node_agent"
    return NodeConfig("box", transport=Transport.UNIX, state=str(home.directory / "box"), agent=agent, upgrade=upgrade)


@pytest.mark.parametrize("upgrade", list(Upgrade))
async def test_a_link_that_comes_up_replaces_an_older_agent_if_it_is_to(upgrade: Upgrade, home: Home) -> None:
    paths, old = await old_agent(home)
    async with running_core(home.directory / "kept", box(home, upgrade)) as seen:
        await seen.up("box")
        key = await seen.start("box", "cat")
        if upgrade is Upgrade.AUTO:
            await seen.until(lambda: _version(seen) == node_agent.__version__)
            assert int(paths.agent_lock.read_text()) != old
            await seen.until(lambda: key in seen.core.fleet.sessions)
        else:
            assert _version(seen) == "0.0.9"
            assert "node upgrade box" in seen.core.fleet.nodes["box"].status.note
            assert int(paths.agent_lock.read_text()) == old


@pytest.mark.parametrize("upgrade", list(Upgrade))
async def test_a_command_replaces_an_older_agent_or_says_what_does(upgrade: Upgrade, home: Home) -> None:
    paths, old = await old_agent(home)
    home.configure(box(home, upgrade))
    done = await asyncio.to_thread(home.run, "start", "--node", "box", "--detach", "--", "cat")
    assert done.returncode == 0, done.stderr
    assert (int(paths.agent_lock.read_text()) != old) is (upgrade is Upgrade.AUTO)
    assert ("node upgrade box" in done.stderr) is (upgrade is Upgrade.ASK)


@pytest.mark.parametrize("options", [(), ("--keeper",)])
async def test_a_newer_agent_stays_and_the_operator_is_told_to_upgrade_here(
    options: tuple[str, ...], home: Home
) -> None:
    paths, newer = await other_agent(home, "99.0")
    home.configure(box(home, Upgrade.AUTO))
    done = await asyncio.to_thread(home.run, "node", "upgrade", "box", *options)
    assert done.returncode == AgentTooNew.exit_code, done.stderr
    words = f"its agent 99.0 is newer than this relaytui {node_agent.__version__}; upgrade relaytui here"
    assert words in done.stderr.splitlines()[-1]
    spoken_to = await asyncio.to_thread(home.run, "start", "--node", "box", "--detach", "--", "cat")
    assert spoken_to.returncode == 0, spoken_to.stderr
    assert int(paths.agent_lock.read_text()) == newer


async def test_an_agent_of_the_same_release_is_replaced(home: Home) -> None:
    paths, same = await other_agent(home, node_agent.__version__)
    home.configure(box(home, Upgrade.ASK))
    done = await asyncio.to_thread(home.run, "node", "upgrade", "box")
    assert done.returncode == 0, done.stderr
    assert int(paths.agent_lock.read_text()) != same


async def test_an_agent_of_a_later_protocol_counts_as_newer(tmp_path: Path) -> None:
    async with scripted_agent(tmp_path) as agent:
        agent.versions = Versions(7, 9)
        paths = NodePaths(tmp_path, tmp_path)
        assert paths.agent_socket == agent.socket
        assert await asyncio.to_thread(newer_agent, paths) == "of protocol 7"


def test_doctor_names_the_end_that_is_to_be_upgraded() -> None:
    node = NodeConfig("box", host="box")
    (older,) = judge_link(node, "", "0.0.9")
    (newer,) = judge_link(node, "", "99.0")
    assert (older.remedy, newer.remedy) == ("relaytui node upgrade box", "upgrade relaytui here")
    assert not list(judge_link(node, "", node_agent.__version__))
    assert not list(judge_link(NodeConfig("box", transport=Transport.UNIX, socket="/s"), "", "0.0.9"))


def _version(seen: Watched) -> str:
    info = seen.core.fleet.nodes["box"].info
    return info.agent.version if info else ""
