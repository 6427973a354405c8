"""Output that breaks an engine, hangs it or kills the agent costs its own session no more than its screen."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node_agent.protocol.logs import ReadLogs
from node_agent.protocol.states import Attention, EventKind
from node_agent.terminal.engines import create_engine, restore_engine
from tests.harness import Node, running_node
from tests.terminal.support import recording
from tests.waiting import eventually

ODD_AGENT = """
import os, sys, time
import node_agent.io.keeper_launch as keeper_launch
import node_agent.io.start as start
import node_agent.keeper.agent_watch as agent_watch
from node_agent.terminal.vt.engine import VtEngine
from node_agent.__main__ import main
start.agent_command = lambda: [sys.executable, __file__]
keeper_launch.keeper_command = lambda: [sys.executable, __file__, "keeper"]
agent_watch.SILENCE = 4.0
feed = VtEngine.feed
def odd_feed(self, data):
    if b"POISON" in data:
        os.kill(os.getpid(), 9)
    if b"HANG" in data:
        time.sleep(1000)
    if b"BREAK" in data:
        raise RuntimeError("the engine broke")
    return feed(self, data)
VtEngine.feed = odd_feed
sys.exit(main())
"""
"""An agent that dies of one word, hangs on another, and whose engine breaks on a third, as is every next one.

Its keeper is less patient than a real one, so that a test of two hangs is short.
"""


@pytest.fixture
async def odd_node(tmp_path: Path) -> AsyncIterator[Node]:
    program = tmp_path / "odd_agent.py"
    program.write_text(ODD_AGENT)
    async with running_node(tmp_path, agent_args=(str(program),)) as node:
        yield node


async def test_output_that_kills_two_agents_is_put_in_quarantine(odd_node: Node) -> None:
    await check_quarantine(odd_node, "POISON", limit=15)


async def test_output_that_hangs_two_agents_is_put_in_quarantine(odd_node: Node) -> None:
    await check_quarantine(odd_node, "HANG", limit=60)


async def check_quarantine(odd_node: Node, word: str, limit: float) -> None:
    """Have a session print `word`; its screen is given up, another session goes on."""
    client = await odd_node.connect()
    healthy = await client.start("sh", "-c", "echo fine; read x")
    poison = await client.start(
        "sh", "-c", f"read x; echo before; echo {word[:2]}''{word[2:]}; read x; echo after; read x"
    )
    stream = await client.open_bytes(poison.id, "attach")
    client.type(stream, 1, b"\r")
    await eventually(lambda: f"session {poison.id} is in quarantine" in odd_node.log(), limit)
    await odd_node.serving()
    again = await odd_node.connect()
    await again.subscribe()
    await again.until(lambda: any(event.kind is EventKind.QUARANTINED for event in again.events))
    info = again.sessions[poison.id]
    assert info.attention is Attention.UNKNOWN
    assert "two node agents" in info.note
    screen = await again.watch(poison.id)
    await again.until(lambda: "two node agents" in screen.text)
    journal = await again.open_bytes(poison.id, "follow")
    await again.until(lambda: word.encode() in journal.data)
    other = await again.watch(healthy.id)
    await again.until(lambda: "fine" in other.text)


async def test_a_session_whose_engine_breaks_goes_on_in_the_other(odd_node: Node) -> None:
    client = await odd_node.connect()
    session = await client.start("sh", "-c", "echo before; read x; echo BRE''AK; read x")
    screen = await client.watch(session.id)
    await client.until(lambda: "before" in screen.text)
    stream = await client.open_bytes(session.id, "attach")
    client.type(stream, 1, b"\r")
    await client.until(lambda: screen.text.startswith("before") and "BREAK" in screen.text)
    assert "BREAK" in (await client.request(ReadLogs(session.id))).lines
    assert "the engine broke" in odd_node.log()


async def test_a_broken_engine_is_replaced_from_the_last_checkpoint_in_mid_recording(
    odd_node: Node, tmp_path: Path
) -> None:
    stream, columns, rows = recording("vim")
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(stream * (1_500_000 // len(stream)))  # so much that a checkpoint is taken
    half, end = stream.index(b"\x1b[", len(stream) // 2), stream.rindex(b"\x1b[?1049l")
    after.write_bytes(stream[:half] + b"BREAK" + stream[half:end])
    client = await odd_node.connect()
    script = f"stty -opost -echo; cat {before}; printf READY; read x; cat {after}; printf DONE; read x"
    session = await client.start("sh", "-c", script, columns=columns, rows=rows)
    saved = odd_node.paths.sessions / session.id / "screen"
    screen = await client.watch(session.id)
    await client.until(lambda: "READY" in screen.text)
    await eventually(saved.exists)
    stream_id = await client.open_bytes(session.id, "attach")
    client.type(stream_id, 1, b"\r")
    await client.until(lambda: "DONE" in screen.text)
    journal = await client.open_bytes(session.id, "follow")
    await client.until(lambda: b"DONE" in journal.data)
    whole = create_engine("vt", columns, rows)
    whole.feed(journal.data)
    assert [line.rstrip() for line in screen.text.splitlines()] == [whole.text(row) for row in range(rows)]
    (kept,) = (odd_node.paths.state / "broken").iterdir()
    fixture = json.loads(kept.read_text())
    assert kept.stat().st_mode & 0o077 == 0
    assert fixture["engine"] == "vt"
    assert "the engine broke" in fixture["error"]
    assert b"BREAK" in base64.b64decode(fixture["fed_last"])
    engine = restore_engine("vt", fixture["checkpoint"])
    assert engine.offset > 400_000
    output = base64.b64decode(fixture["output"])
    assert output == journal.data[engine.offset : fixture["end"]]
    assert b"BREAK" in output
