"""The keeper's own death: what is lost is what is said to be lost."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from node_agent.io.keeper_client import KeeperGone
from node_agent.protocol.states import SessionState
from tests.keeper.harness import is_alive, running_node, until


@pytest.mark.parametrize(("second_boot", "reason"), [("boot-1", "keeper killed"), ("boot-2", "reboot")])
async def test_a_killed_keepers_sessions_are_lost_with_a_reason(tmp_path: Path, second_boot: str, reason: str) -> None:
    async with running_node(tmp_path, env={"RELAY_BOOT_ID": "boot-1"}) as node:
        ended = await node.shell("echo done; exit 5")
        exit_status = (await node.ends(ended)).exit
        running = await node.shell("echo working; sleep 100")
        await node.shows(running, b"working")
        pid = (await node.record(running)).pid
        node.process.kill()
        await node.client.closed.wait()
        with pytest.raises(KeeperGone):
            await node.client.list()
        await until(lambda: not is_alive(pid), "the terminal's end to reach the child")
    async with running_node(tmp_path, env={"RELAY_BOOT_ID": second_boot}) as node:
        records = {record.id: record for record in await node.client.list()}
        assert records[ended].state is SessionState.CLOSED
        assert records[ended].exit == exit_status
        lost = records[running]
        assert lost.state is SessionState.LOST
        assert lost.exit is not None
        assert (lost.exit.code, lost.exit.signal, lost.exit.reason) == (None, None, reason)
        assert node.output(running) == b"working\r\n"
        assert lost.head == len(b"working\r\n")
        assert await node.spawn("true") not in (ended, running)


async def test_a_keeper_killed_under_load_loses_at_most_one_read_a_session(tmp_path: Path) -> None:
    """What it wrote is a prefix of what was printed, and the child had printed no more than a terminal holds."""
    async with running_node(tmp_path) as node:
        session = await node.shell(f"i=0; while :; do i=$((i+1)); echo $i >&9; echo $i; done 9>{tmp_path}/printed")
        await until(lambda: node.heads.get(session, 0) > 50_000)
        pid = (await node.record(session)).pid
        node.process.send_signal(signal.SIGKILL)
        await until(lambda: not is_alive(pid))
    kept = node.output(session)
    printed = (tmp_path / "printed").read_bytes().replace(b"\n", b"\r\n")
    assert printed.startswith(kept)
    assert 0 <= len(printed) - len(kept) < 100_000
