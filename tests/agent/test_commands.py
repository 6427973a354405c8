"""The `node-agent` command: probe, bridge, signal, serve, and what they say when they cannot."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import node_agent
from node_agent.io.failure import Failure
from node_agent.protocol.frames import Frame, FrameDecoder, FrameType, encode_json
from node_agent.protocol.notices import FactsChanged
from node_agent.protocol.sending import Chunk, SendInput
from node_agent.protocol.version import MAGIC, PreambleReader, preamble
from tests.client import Client
from tests.harness import Node, running_node
from tests.processes import is_alive
from tests.waiting import eventually


async def run(command: Sequence[str], env: dict[str, str], data: bytes = b"") -> tuple[int, bytes, bytes]:
    """A command's exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(data), 30)
    assert process.returncode is not None
    return process.returncode, output, errors


async def test_a_probe_is_one_line_that_says_what_runs_where(shared_node: Node) -> None:
    code, output, _ = await run(shared_node.command("probe"), shared_node.env)
    status = json.loads(output)
    assert code == 0
    assert output.count(b"\n") == 1
    assert status["running"] is True
    assert status["pid"] == shared_node.agent_pid()
    assert status["socket"] == str(shared_node.paths.agent_socket)
    assert status["version"] == node_agent.__version__


async def test_a_second_agent_of_one_state_directory_gives_way(shared_node: Node, client: Client) -> None:
    first = shared_node.agent_pid()
    code, _, errors = await run(shared_node.command("serve"), shared_node.env)
    assert code == 3
    assert errors.count(b"\n") == 1
    assert shared_node.agent_pid() == first
    await client.start("true")


async def test_a_bridge_is_the_socket_and_prints_nothing_else(shared_node: Node) -> None:
    hello = {"op": "hello", "client": "test", "operator": "ann", "version": "0"}
    data = preamble() + encode_json(FrameType.REQUEST, hello, number=1)
    process = await asyncio.create_subprocess_exec(
        *shared_node.command("bridge"), env=shared_node.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(data)
    greeting, decoder = PreambleReader(), FrameDecoder()
    frames: list[Frame] = []
    first = await process.stdout.readline()
    assert first.startswith(MAGIC)
    greeting.feed(first)
    while not frames:
        frames = list(decoder.feed(await asyncio.wait_for(process.stdout.read(65536), 15)))
    assert frames[0].type is FrameType.REPLY
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_bridge_starts_the_agent_unless_told_not_to(tmp_path: Path) -> None:
    async with running_node(tmp_path, agent_args=("-m", "node_agent")) as node:
        pass  # what is left is a state directory without processes
    node.paths.runtime.mkdir(parents=True, mode=0o700)
    code, output, errors = await run(node.command("bridge", "--no-start"), node.env)
    assert (code, output) == (1, b"")
    assert errors.count(b"\n") == 1
    try:
        code, output, _ = await run(node.command("probe", "--start"), node.env)
        assert json.loads(output)["running"] is True
        again = await node.connect()
        assert again.node is not None
        assert again.node.node.epoch == 2
    finally:
        await node.stop()


async def test_of_many_clients_that_miss_an_agent_one_starts_it(tmp_path: Path) -> None:
    """The others would slow it down: a busy machine would have no agent for longer the more want one."""
    async with running_node(tmp_path, agent_args=("-m", "node_agent")) as node:
        pass
    node.paths.runtime.mkdir(parents=True, mode=0o700)
    try:
        probes = [run(node.command("probe", "--start"), node.env) for _ in range(8)]
        reports = [json.loads(output) for _, output, _ in await asyncio.gather(*probes)]
        assert [report["running"] for report in reports] == [True] * 8
        assert {report["pid"] for report in reports} == {node.agent_pid()}
        assert "running already" not in node.log()
    finally:
        await node.stop()


async def test_a_program_reports_through_the_command_it_finds(client: Client) -> None:
    script = 'read x; "$RELAY_AGENT" signal asking "which way?" --source hook; read x'
    session = await client.start("sh", "-c", script)
    await client.request(SendInput(session.id, f"go {session.id}", (Chunk(key="enter"),)))
    ask = await client.until(lambda: client.sessions[session.id].ask)
    assert "which way?" in ask.excerpt


async def test_an_agent_that_is_terminated_ends_cleanly_and_the_keeper_starts_the_next(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node:
        client = await node.connect()
        session = await client.start("sh", "-c", "seq 1 100; read x")
        screen = await client.watch(session.id)
        await client.until(lambda: "100" in screen.text)
        old = node.agent_pid()
        os.kill(old, 15)
        await eventually(lambda: not is_alive(old))
        assert (node.paths.sessions / session.id / "screen").exists()
        await eventually(lambda: node.paths.agent_lock.read_text().strip() not in ("", str(old)))
        await node.serving()
        again = await node.connect()
        screen = await again.watch(session.id)
        await again.until(lambda: "100" in screen.text)
        assert "Traceback" not in node.log()


async def test_a_network_file_system_is_refused_in_one_line(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - nfs4 server:/home rw\n")
    env = {**os.environ, "RELAY_MOUNTINFO": str(mounts), "RELAY_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "node_agent", "serve", "--state", str(tmp_path / "state")]
    code, _, errors = await run(command, env)
    assert code == Failure.NETWORK_FILE_SYSTEM
    assert b"nfs4" in errors
    assert errors.count(b"\n") == 1


async def test_facts_are_sent_as_a_heartbeat(client: Client) -> None:
    notice = await client.until(lambda: next((n for n in client.notices if isinstance(n, FactsChanged)), None))
    facts = notice.facts.facts
    assert facts["cores"] == os.cpu_count()
    assert facts["memory_total"] > 0
    assert facts["disk_free"] > 0
