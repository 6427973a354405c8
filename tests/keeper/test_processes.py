"""Reads of other processes: of sessions' own only."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperError
from tests.keeper.harness import Node, run_python, until

ADDRESS = """
import ctypes, time
buffer = ctypes.create_string_buffer(b"the quick brown fox")
print("at", ctypes.addressof(buffer), flush=True)
time.sleep(100)
"""


async def test_a_sessions_processes_can_be_read(node: Node) -> None:
    session = await node.shell("sleep 101 & wait")
    pid = (await node.record(session)).pid
    children = b""
    while not children:
        children = (await node.client.proc_read(pid, [f"task/{pid}/children"]))[f"task/{pid}/children"] or b""
    child = int(children)
    await until(lambda: b"sleep" in Path(f"/proc/{child}/comm").read_bytes())
    await until(lambda: not Path(f"/proc/{child}/syscall").read_bytes().startswith(b"running"))
    names = ["comm", "cmdline", "stat", "status", "wchan", "syscall", "fd", "task", "cwd", "exe", "fd/1", "fdinfo/1"]
    files = await node.client.proc_read(child, [*names, "fd/99", f"task/{child}/syscall"])
    assert files["comm"] == b"sleep\n"
    assert files["cmdline"] == b"sleep\x00101\x00"
    assert files["task"] == str(child).encode()
    assert set((files["fd"] or b"").split()) >= {b"0", b"1", b"2"}
    assert re.fullmatch(rb"/dev/pts/\d+", files["fd/1"] or b"")
    assert files["cwd"] == b"/"
    assert files["fd/99"] is None
    assert (files["stat"] or b"").startswith(b"%d (sleep)" % child)
    assert (files["syscall"] or b"").split()[:1] == (files[f"task/{child}/syscall"] or b"").split()[:1] != []


async def test_an_orphan_of_a_session_still_belongs_to_it(node: Node, tmp_path: object) -> None:
    session = await node.shell(f"(sleep 102 & echo $! >{tmp_path}/pid); echo ready; sleep 100")
    await node.shows(session, b"ready")
    with open(f"{tmp_path}/pid") as file:
        pid = int(file.read())
    assert (await node.client.proc_read(pid, ["stat"]))["stat"] is not None


async def test_what_belongs_to_no_session_is_refused(node: Node) -> None:
    await node.shell("sleep 100")
    for pid in (os.getpid(), 1, node.process.pid, 2**22 + 5, 0, -1):
        with pytest.raises(KeeperError) as caught:
            await node.client.proc_read(pid, ["stat"])
        assert caught.value.code == "refused"
        with pytest.raises(KeeperError) as caught:
            await node.client.mem_read(pid, 0, 10)
        assert caught.value.code == "refused"


@pytest.mark.parametrize("name", ["environ", "mem", "../1/stat", "root/etc/passwd", "fd/../stat", "cwd/x", "", "maps"])
async def test_only_known_names_can_be_read(node: Node, name: str) -> None:
    pid = (await node.record(await node.shell("sleep 100"))).pid
    assert await node.client.proc_read(pid, [name]) == {name: None}


async def test_memory_is_read_in_small_pieces(node: Node) -> None:
    session = await node.spawn(*run_python(ADDRESS))
    await node.shows(session, b"\r\n")
    record = await node.record(session)
    address = int(node.output(session).split()[1])
    assert await node.client.mem_read(record.pid, address, 19) == b"the quick brown fox"
    assert len(await node.client.mem_read(record.pid, address & ~0xFFF, 1_000_000)) == 4096
    for wrong in (0, 2**64 - 1, 2**70):
        with pytest.raises(KeeperError) as caught:
            await node.client.mem_read(record.pid, wrong, 8)
        assert caught.value.code == "refused"
