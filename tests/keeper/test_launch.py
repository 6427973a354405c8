"""Starting a keeper: detached, once, and with a reason when it does not start."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import node_agent
from node_agent.io.keeper_client import KeeperClient, KeeperGone, ensure_keeper
from node_agent.io.keeper_launch import keeper_command, scope_command
from node_agent.io.paths import NodePaths
from node_agent.keeper.__main__ import Options, read_options
from tests.keeper.harness import is_alive, running_node, until


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[NodePaths]:
    with tempfile.TemporaryDirectory(prefix="rt") as runtime:
        state = tmp_path / "state"
        state.mkdir(0o700)
        yield NodePaths(state, Path(runtime))


async def test_it_is_started_once_and_outlives_its_starter(paths: NodePaths) -> None:
    await asyncio.gather(*(ensure_keeper(paths) for _ in range(3)))
    client = await KeeperClient.connect(paths.keeper_socket, 1)
    pid = client.info.pid
    try:
        await ensure_keeper(paths)
        again = await KeeperClient.connect(paths.keeper_socket, 1)
        assert again.info.pid == pid
        await again.close()
        status = Path(f"/proc/{pid}/status").read_text()
        assert os.getsid(pid) != os.getsid(0)
        assert f"PPid:\t{os.getpid()}\n" not in status
        assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null", str(paths.keeper_log)}
        assert paths.keeper_socket.stat().st_mode & 0o777 == 0o600
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    finally:
        await client.shutdown()
        await client.close()
    await until(lambda: not is_alive(pid))
    assert not paths.keeper_socket.exists()


_ASKED_AT_ONCE = """
import os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
from node_agent.keeper import __main__ as program, claim
bind = claim.bind

def asked(path):
    os.kill(os.getpid(), signal.SIGUSR1)
    return bind(path)

claim.bind = asked
sys.exit(program.main())
"""


async def test_a_keeper_that_is_asked_to_move_while_it_begins_lives_on(paths: NodePaths) -> None:
    root = str(Path(node_agent.__file__).parent.parent)
    words = ["--detach", "--socket", str(paths.keeper_socket), str(paths.state)]
    subprocess.run([sys.executable, "-I", "-S", "-c", _ASKED_AT_ONCE, root, *words], check=True, timeout=30)
    client = await KeeperClient.connect(paths.keeper_socket, 1)
    await client.shutdown()
    await client.close()


async def test_a_socket_that_a_killed_keeper_left_is_in_nobodys_way(tmp_path: Path, paths: NodePaths) -> None:
    async with running_node(tmp_path / "other") as node:
        node.process.kill()
        node.process.wait()
        assert node.paths.keeper_socket.exists()
        await ensure_keeper(node.paths)
        client = await KeeperClient.connect(node.paths.keeper_socket, 1)
        await client.shutdown()
        await client.close()


async def test_a_keeper_whose_socket_vanished_moves_to_where_it_is_looked_for(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        session = await node.shell("sleep 100")
        node.paths.keeper_socket.unlink()
        with tempfile.TemporaryDirectory(prefix="rt") as elsewhere:
            moved = NodePaths(tmp_path, Path(elsewhere))
            await ensure_keeper(moved)
            client = await KeeperClient.connect(moved.keeper_socket, 1)
            assert client.info.pid == node.process.pid
            await client.upgrade()
            again = await KeeperClient.connect(moved.keeper_socket, 1)
            assert [record.id for record in await again.list()] == [session]
            await again.close()
            await client.close()


async def test_what_cannot_start_says_why(paths: NodePaths) -> None:
    (paths.state / "keeper.lock").mkdir()
    with pytest.raises(KeeperGone, match=r"the keeper did not start: cannot use .*keeper.lock: Is a directory"):
        await ensure_keeper(paths)
    with pytest.raises(KeeperGone, match="No such file or directory"):
        await ensure_keeper(NodePaths(paths.state.parent / "missing", paths.runtime))


async def test_a_second_keeper_for_a_directory_gives_way(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        arguments = [*keeper_command(), "--socket", str(node.paths.keeper_socket), str(tmp_path)]
        second = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
        _, text = await second.communicate()
        assert second.returncode == 3
        assert b"runs for" in text
        await node.client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
async def test_another_user_is_turned_away(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        os.chmod(node.paths.runtime, 0o711)
        os.chmod(node.paths.keeper_socket, 0o666)
        code = (
            "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.settimeout(10);"
            "s.connect(sys.argv[1]); sys.exit(0 if s.recv(8) == b'' else 1)"
        )
        stranger = await asyncio.create_subprocess_exec("python3", "-c", code, str(node.paths.keeper_socket))
        assert await stranger.wait() == 0


@pytest.mark.parametrize(
    ("script", "env", "is_used"),
    [
        ("exec true", {"XDG_RUNTIME_DIR": "/run/user/0"}, True),
        ("exit 1", {"XDG_RUNTIME_DIR": "/run/user/0"}, False),
        ("exec sleep 100", {"DBUS_SESSION_BUS_ADDRESS": "x"}, False),
        ("exec true", {}, False),
    ],
)
async def test_a_scope_is_used_where_one_works(tmp_path: Path, script: str, env: dict[str, str], is_used: bool) -> None:
    program = tmp_path / "systemd-run"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    prefix = await scope_command({**env, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, timeout=1.0)
    assert prefix == ([str(program), "--user", "--scope", "--quiet", "--collect"] if is_used else [])


async def test_without_the_program_there_is_no_scope(tmp_path: Path) -> None:
    assert await scope_command({"PATH": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/0"}) == []


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--socket /s /d", Options("/d", "/s")),
        ("--detach --socket /s /d --agent a --socket b", Options("/d", "/s", True, ("a", "--socket", "b"))),
        ("--check 1", Options(check=1)),
        ("--resume 5", Options(resume=5)),
        ("/d", None),
        ("--socket /s", None),
        ("--socket", None),
        ("--check x", None),
        ("--socket /s /d /e", None),
        ("--unknown --socket /s /d", None),
        ("", None),
    ],
)
def test_options(words: str, options: Options | None) -> None:
    assert read_options(words.split()) == options


async def test_the_keeper_says_how_it_is_used() -> None:
    process = await asyncio.create_subprocess_exec(*keeper_command(), stderr=asyncio.subprocess.PIPE)
    _, text = await process.communicate()
    assert process.returncode == 2
    assert text.startswith(b"usage:")
