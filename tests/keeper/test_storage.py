"""Bytes on disk: exact whatever happens to clients, bounded, and waiting rather than lost when the disk is full."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import node_agent
from node_agent.io.keeper_notices import DiskFull, SegmentDropped
from node_agent.journal.meta import read_exit, read_meta, write_exit
from node_agent.journal.reader import JournalReader, Missing
from node_agent.journal.retention import EXPIRY
from node_agent.journal.segments import list_segments
from tests.keeper.harness import Node, running_node, until

MIB = 1024 * 1024

RESTLESS_CLIENT = """
import asyncio, pathlib, sys
sys.path.insert(0, sys.argv[1])
from node_agent.io.keeper_client import KeeperClient

async def main():
    client = await KeeperClient.connect(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    print("connected", flush=True)
    while True:
        await client.list()

asyncio.run(main())
"""


def seq_sha(last: int) -> str:
    return hashlib.sha256(b"".join(b"%d\r\n" % number for number in range(1, last + 1))).hexdigest()


async def print_while_clients_die(node: Node, last: int, kills: int) -> None:
    sessions = [await node.shell(f"seq 1 {last}; exit {code}") for code in (0, 1)]
    root = str(Path(node_agent.__file__).parent.parent)
    for epoch in range(2, 2 + kills):
        arguments = [sys.executable, "-c", RESTLESS_CLIENT, root, str(node.paths.keeper_socket), str(epoch)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            await asyncio.to_thread(client.stdout.readline)
            client.send_signal(signal.SIGKILL)
    await until(lambda: all(session in node.closed for session in sessions))
    for code, session in enumerate(sessions):
        assert hashlib.sha256(node.output(session)).hexdigest() == seq_sha(last)
        assert node.exited[session].status.code == code


async def test_journals_are_exact_while_agents_are_killed(node: Node) -> None:
    await print_while_clients_die(node, last=60_000, kills=3)


@pytest.mark.full
async def test_journals_are_exact_while_fifty_agents_are_killed(node: Node) -> None:
    await print_while_clients_die(node, last=3_000_000, kills=50)


async def test_the_cap_holds_while_a_session_prints_on(tmp_path: Path) -> None:
    async with running_node(tmp_path, env={"RELAY_SESSION_CAP": str(MIB)}) as node:
        session = await node.spawn("seq", "1", "300000")
        record = await node.ends(session)
        segments = list_segments(str(node.directory(session)))
        assert sum(segment.cost for segment in segments) <= MIB + 100_000
        assert record.head == sum(len(str(number)) + 2 for number in range(1, 300_001))
        assert record.first == segments[0].base > 0
        dropped = [notice for notice in node.notices if isinstance(notice, SegmentDropped)]
        assert dropped[-1] == SegmentDropped(session, record.first)
        with JournalReader(str(node.directory(session))) as reader:
            assert reader.read(0, 10) == Missing(0, record.first)
            assert reader.read(record.head - 8, 20) == b"300000\r\n"


async def test_the_quota_takes_from_ended_sessions_first(tmp_path: Path) -> None:
    async with running_node(tmp_path, env={"RELAY_NODE_QUOTA": str(3 * MIB)}) as node:
        old = await node.spawn("seq", "1", "150000")
        await node.ends(old)
        failed = await node.shell("seq 1 50000; exit 1")
        await node.ends(failed)
        running = await node.shell("seq 1 300000; sleep 100")
        await node.shows(running, b"\n300000\r\n")
        assert (await node.record(old)).first == (await node.record(old)).head > 0
        assert (await node.record(failed)).first == 0
        total = sum(s.cost for name in (old, failed, running) for s in list_segments(str(node.directory(name))))
        assert total <= 4 * MIB


async def test_old_sessions_expire_but_unseen_failures_do_not(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        names = [await node.shell(f"exit {code}") for code in (0, 1, 1)]
        for name in names:
            await node.ends(name)
        await node.client.annotate(names[2], seen=True)
        fresh = await node.spawn("true")
        await node.ends(fresh)
    for name in names:
        directory = tmp_path / "sessions" / name
        ended = read_exit(str(directory))
        assert ended is not None
        (directory / "exit").unlink()
        write_exit(str(directory), ended._replace(at=ended.at - EXPIRY - 1))
    async with running_node(tmp_path) as node:
        assert [record.id for record in await node.client.list()] == [names[1], fresh]
        assert sorted(os.listdir(node.paths.sessions)) == sorted([names[1], fresh])


async def test_annotations_last(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        session = await node.shell("sleep 100")
        await node.client.annotate(session, title="a title", tags=["x", "y"])
        await node.client.resize(session, 90, 20)
        meta = read_meta(str(node.directory(session)))
        assert meta is not None
        assert (meta.title, meta.tags, meta.columns, meta.rows) == ("a title", ("x", "y"), 90, 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mount = tmp_path / "disk"
    mount.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(mount).encode(), b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"cannot mount a small disk: {os.strerror(ctypes.get_errno())}")
    yield mount
    libc.umount2(str(mount).encode(), 2)


async def test_a_full_disk_holds_the_child_back_and_loses_nothing(small_disk: Path) -> None:
    async with running_node(small_disk, env={"RELAY_FREE_FLOOR": "0"}) as node:
        other = await node.shell("read x; exit $x")
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(MIB // 2))
        session = await node.shell("seq 1 100000; exit 3")
        await until(lambda: DiskFull(True) in node.notices, "the disk to be full")
        await node.client.ping()
        held = (await node.record(session)).head
        assert session not in node.exited
        assert (await node.write(other, b"5\n")).applied
        await until(lambda: other in node.exited, "a session that prints little")
        assert node.exited[other].status.code == 5
        ended = read_exit(str(node.directory(other)))
        assert ended is not None, "the exit record's space was not reserved"
        assert ended.code == 5
        assert (await node.record(session)).head - held < 100_000
        ballast.unlink()
        record = await node.ends(session)
        assert DiskFull(False) in node.notices
        assert record.exit is not None
        assert record.exit.code == 3
        assert hashlib.sha256(node.output(session)).hexdigest() == seq_sha(100_000)


async def test_a_full_disk_refuses_a_start_in_words(small_disk: Path) -> None:
    async with running_node(small_disk, env={"RELAY_FREE_FLOOR": "0"}) as node:
        ballast = small_disk / "ballast"
        with ballast.open("wb", 0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        with pytest.raises(Exception, match="No space left on device") as caught:
            await node.spawn("true")
        assert getattr(caught.value, "code", "") == "start_failed"
        ballast.unlink()
        await node.ends(await node.spawn("true"))
