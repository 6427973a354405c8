"""Starting sessions: what a child gets, what goes wrong, and that nobody waits for anybody."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperError
from node_agent.io.keeper_launch import keeper_command
from node_agent.journal.meta import read_meta
from node_agent.keeper.control import SpawnRequest
from node_agent.protocol.states import SessionState
from tests.keeper.harness import ENV, Node, is_alive, run_python, running_node, until

LOOK_AROUND = """
import json, os, resource, signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
fds = [int(n) for n in os.listdir("/proc/self/fd")]
size = os.get_terminal_size(0)
umask = os.umask(0)
print(json.dumps({
    "session leader": os.getsid(0) == os.getpid(), "terminal": os.ttyname(0) == os.ttyname(2),
    "controlling": os.tcgetpgrp(0) == os.getpid(), "size": [size.columns, size.lines], "cwd": os.getcwd(),
    "open": len([fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")]), "umask": umask,
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE), "id": os.environ["RELAY_SESSION"],
    "ignored": [l.split()[1] for l in open("/proc/self/status") if l.startswith("SigIgn")][0],
    "blocked": [l.split()[1] for l in open("/proc/self/status") if l.startswith("SigBlk")][0],
    "oom": int(open("/proc/self/oom_score_adj").read()),
}))
"""


async def test_a_child_gets_a_terminal_and_what_the_keeper_was_started_with(node: Node) -> None:
    session = await node.spawn(*run_python(LOOK_AROUND), cwd="/usr")
    await node.ends(session)
    seen = json.loads(node.output(session))
    score = int(Path("/proc/self/oom_score_adj").read_text())
    umask = os.umask(0o022)
    os.umask(umask)
    assert seen == {
        "session leader": True,
        "terminal": True,
        "controlling": True,
        "size": [80, 24],
        "cwd": "/usr",
        "open": 3,
        "umask": umask,
        "nofile": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "id": session,
        "ignored": "0000000001000000",  # the looking Python itself ignores SIGXFSZ
        "blocked": "0000000000000000",
        "oom": min(1000, score + 200),
    }


async def test_the_metadata_says_what_was_started_but_no_secrets(node: Node) -> None:
    session = await node.spawn("true", env={"TOKEN": "hunter2"})
    meta = read_meta(str(node.directory(session)))
    assert meta is not None
    assert (meta.id, meta.command, meta.cwd, meta.columns, meta.rows) == (session, ("true",), "/", 80, 24)
    assert "TOKEN" in meta.env_keys
    assert "hunter2" not in (node.directory(session) / "meta.json").read_text()
    for path in (node.paths.state / "sessions").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("command", "cwd", "code", "message"),
    [
        (("no-such-command",), "/", "command_not_found", "command not found: no-such-command"),
        (("/etc/passwd",), "/", "start_failed", "cannot run /etc/passwd: Permission denied"),
        (("true",), "/no/such/place", "cwd_missing", "cannot enter /no/such/place: No such file or directory"),
        (("true",), "/etc/passwd", "cwd_missing", "cannot enter /etc/passwd: Not a directory"),
        (("",), "/", "bad_request", "there is no command to start"),
        ((), "/", "bad_request", "there is no command to start"),
        (("a\0b",), "/", "bad_request", "the request lacks a proper command"),
    ],
)
async def test_what_cannot_start_says_why_and_leaves_nothing(
    node: Node, command: tuple[str, ...], cwd: str, code: str, message: str
) -> None:
    with pytest.raises(KeeperError) as caught:
        await node.spawn(*command, cwd=cwd)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert await node.client.list() == []
    assert list(node.paths.sessions.iterdir()) == []
    assert not node.exited


@pytest.mark.parametrize("size", [(0, 24), (80, 0), (-1, 5), (80, 100_000)])
async def test_a_wrong_size_is_refused(node: Node, size: tuple[int, int]) -> None:
    with pytest.raises(KeeperError, match="size") as caught:
        await node.client.spawn(SpawnRequest("r", ("true",), "/", ENV, *size))
    assert caught.value.code == "bad_size"


async def test_a_retry_gets_the_first_ones_session(node: Node) -> None:
    request = SpawnRequest("the same", ("sleep", "100"), "/", ENV)
    first, second = await asyncio.gather(node.client.spawn(request), node.client.spawn(request))
    third = await node.client.spawn(request)
    assert first.session == second.session == third.session
    assert third.repeated
    assert len(await node.client.list()) == 1


async def test_ids_are_never_used_again(node: Node) -> None:
    first = await node.spawn("true")
    await node.ends(first)
    await node.client.forget(first)
    assert not node.directory(first).exists()
    assert await node.spawn("true") != first


async def test_a_directory_that_hangs_holds_nobody_else(tmp_path: Path) -> None:
    entering = tmp_path / "entering"
    hang = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import os, time, pathlib; enter = os.chdir; "
        f"hang = lambda: (pathlib.Path({str(entering)!r}).touch(), time.sleep(1000)); "
        "os.chdir = lambda path: hang() if path == '/dead' else enter(path); "
        "from node_agent.keeper.__main__ import main; sys.exit(main())"
    )
    command = keeper_command()
    command[-2] = hang
    async with running_node(tmp_path / "state", command=command) as node:
        stuck = asyncio.ensure_future(node.client.spawn(SpawnRequest("stuck", ("true",), "/dead", ENV, timeout=3)))
        session = await node.shell("echo here")
        await node.shows(session, b"here")
        await until(entering.exists)
        starting = [record for record in await node.client.list() if record.state is SessionState.STARTING]
        assert len(starting) == 1
        assert len(os.listdir(f"/proc/{starting[0].pid}/fd")) == 4, "a hung child holds other sessions' terminals"
        with pytest.raises(KeeperError) as caught:
            await stuck
        assert caught.value.code == "cwd_missing"
        assert "no answer within 3 s" in caught.value.message
        await until(lambda: not is_alive(starting[0].pid))
        assert [record.id for record in await node.client.list()] == [session]
