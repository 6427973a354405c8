"""Clients that break the rules: each costs only itself."""

from __future__ import annotations

import asyncio
import os
import stat

import pytest

from node_agent.protocol.errors import ErrorCode
from node_agent.protocol.frames import HEADER, FrameType, encode_frame, encode_json
from node_agent.protocol.sessions import ListSessions
from node_agent.protocol.version import preamble
from tests.client import Client
from tests.harness import Node


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 4000,
        b"\0" * 100_000,
        preamble() + b"\xff" * 100,
        preamble() + HEADER.pack(1 << 31, FrameType.REQUEST, 0, 1),
        preamble() + encode_frame(FrameType.REQUEST, 0, 1, b"no json"),
        preamble() + encode_frame(FrameType.REQUEST, 0, 1, b"[1]"),
        b"RELAYTUI-NODE 900 901\n",
    ],
)
async def test_garbage_costs_its_own_connection_only(shared_node: Node, client: Client, garbage: bytes) -> None:
    bad = await shared_node.connect(greet=False)
    bad.write(garbage)
    await bad.until(lambda: bad.is_closed)
    await client.request(ListSessions())
    assert not client.is_closed


async def test_requests_before_hello_and_unknown_ones_are_refused(shared_node: Node) -> None:
    client = await shared_node.connect(greet=False)
    early = await client.raw_request({"op": "session.list"})
    assert early.json()["code"] == ErrorCode.BAD_REQUEST.value
    await client.hello()
    unknown = await client.raw_request({"op": "make.coffee"})
    assert unknown.json()["code"] == ErrorCode.UNKNOWN_OP.value
    twice = await client.raw_request({"op": "hello", "client": "test", "operator": "eve", "version": "0"})
    assert twice.json()["code"] == ErrorCode.BAD_REQUEST.value


async def test_frames_of_streams_that_do_not_exist_do_no_harm(client: Client) -> None:
    client.write(encode_frame(FrameType.ACK, 77, 5))
    client.write(encode_frame(FrameType.INPUT, 77, 1, b"x"))
    client.write(encode_json(FrameType.STREAM_END, {}, 77))
    client.write(encode_frame(FrameType.PING, number=4))
    await client.until(lambda: (77, 1) in client.input_acks)
    await client.request(ListSessions())


async def test_a_client_with_too_many_requests_is_told_so(client: Client) -> None:
    session = await client.start("python3", "-c", "import time; time.sleep(600)")
    requests = [
        {"op": "session.send", "session": session.id, "request": f"r{n}", "chunks": [{"text": "a"}, {"key": "b"}]}
        for n in range(200)
    ]
    replies = await asyncio.gather(*(client.raw_request(body, 60) for body in requests))
    codes = {frame.json().get("code") for frame in replies}
    assert ErrorCode.BUSY.value in codes
    assert None in codes


async def test_the_socket_and_the_state_are_closed_to_others(shared_node: Node) -> None:
    paths = shared_node.paths
    assert stat.S_IMODE(paths.agent_socket.stat().st_mode) == 0o600
    for directory in (paths.state, paths.runtime):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    files = [path for path in paths.state.rglob("*") if path.is_file()]
    assert not [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_is_refused_even_where_the_mode_would_let_them_in(shared_node: Node) -> None:
    socket = shared_node.paths.agent_socket
    doors = [socket, socket.parent, socket.parent.parent]
    modes = [door.stat().st_mode for door in doors]
    script = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "try:\n    print(len(s.recv(100)))\nexcept ConnectionResetError:\n    print(0)"
    )
    try:
        for door in doors:
            door.chmod(0o777)
        process = await asyncio.create_subprocess_exec(
            "/usr/bin/env", "python3", "-c", script, str(socket), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    finally:
        for door, mode in zip(doors, modes, strict=True):
            door.chmod(stat.S_IMODE(mode))
    assert output.strip() == b"0"
