"""What goes out of a machine, over real HTTP and to real commands: how each ends, and what is never done.

A node, and hub and console, send by code of their own; both are held to the same.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import node_agent.io.sending
import relaytui.notify.sending
from node_agent.protocol.delivery import Post, Sent
from tests.held import held_pipe
from tests.waiting import LIMIT, eventually

SendPost = Callable[[Post], Sent]
RunCommand = Callable[[Sequence[str], Mapping[str, Any]], Awaitable[Sent]]

BOTH = [node_agent.io.sending, relaytui.notify.sending]
posting = pytest.mark.parametrize("send_post", [each.send_post for each in BOTH], ids=["node", "operator"])
running = pytest.mark.parametrize("run_command", [each.run_command for each in BOTH], ids=["node", "operator"])
TOLD = {"key": "k", "keys": ["k"], "title": "it asks"}


class Server(ThreadingHTTPServer):
    """Sends whoever comes to `/moved` on to `/`, and keeps the paths that were asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def post(self, path: str) -> Post:
        return Post(f"http://127.0.0.1:{self.server_address[1]}{path}", {"Authorization": "Bearer secret"}, b"{}")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@posting
def test_a_redirect_is_not_followed(server: Server, send_post: SendPost) -> None:
    assert send_post(server.post("/alerts")) == Sent(True, "HTTP 200")
    assert send_post(server.post("/moved")) == Sent(False, "HTTP 302")
    assert server.paths == ["/alerts", "/moved"]


@posting
def test_a_server_that_is_not_there_is_said(send_post: SendPost) -> None:
    sent = send_post(Post("http://127.0.0.1:1/", {}, b""))
    assert not sent.is_sent
    assert "refused" in sent.detail


@posting
def test_what_answers_in_another_language_is_a_failure(send_post: SendPost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as caller:
                caller.recv(65536)
                caller.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        sent = send_post(Post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, b""))
        thread.join()
    assert not sent.is_sent
    assert "ESMTP" in sent.detail


@posting
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a topic", "http://127.0.0.1:port/", "topic"])
def test_what_is_no_address_is_a_failure(send_post: SendPost, url: str) -> None:
    sent = send_post(Post(url, {}, b""))
    assert not sent.is_sent
    assert sent.detail


@running
async def test_what_cannot_stand_in_an_environment_is_a_failure(run_command: RunCommand) -> None:
    assert await run_command(["true"], {**TOLD, "title": "a\0b"}) == Sent(False, "embedded null byte: true")


@running
async def test_a_command_is_told_in_its_environment_and_on_its_input(tmp_path: Path, run_command: RunCommand) -> None:
    script = 'echo "$RELAY_ALERT_TITLE" > "$0"; cat >> "$0"'
    assert await run_command(["sh", "-c", script, str(tmp_path / "told")], TOLD) == Sent(True, "exit status 0")
    title, told = (tmp_path / "told").read_text().splitlines()
    assert (title, json.loads(told)) == ("it asks", TOLD)


@running
async def test_a_command_that_fails_says_why(run_command: RunCommand) -> None:
    assert await run_command(["sh", "-c", "echo no such topic >&2; exit 3"], TOLD) == Sent(
        False, "exit status 3: no such topic"
    )
    assert await run_command(["/no/such/program"], TOLD) == Sent(False, "No such file or directory: /no/such/program")


@running
async def test_with_its_caller_a_command_ends_and_all_it_has_started(tmp_path: Path, run_command: RunCommand) -> None:
    with held_pipe(tmp_path) as pipe:
        sending = asyncio.ensure_future(run_command(["sh", "-c", '(sleep 60 > "$0")& wait', pipe.path], TOLD))
        await eventually(lambda: pipe.is_held)
        sending.cancel()
        await asyncio.wait([sending], timeout=LIMIT)
        assert sending.cancelled()
        await eventually(lambda: not pipe.is_held)  # nobody waits for a grandchild


@running
async def test_a_command_ends_with_all_it_has_started_though_nobody_has_seen_it_start(
    tmp_path: Path, run_command: RunCommand
) -> None:
    with held_pipe(tmp_path) as pipe:
        sending = asyncio.ensure_future(run_command(["sh", "-c", '(sleep 60 > "$0")& wait', pipe.path], TOLD))
        for _ in range(3):
            await asyncio.sleep(0)  # it is forked, and the loop turns no more until it has started the other
        deadline = time.monotonic() + LIMIT
        while not pipe.is_held:
            assert time.monotonic() < deadline
        sending.cancel()
        await asyncio.wait([sending], timeout=LIMIT)
        assert sending.cancelled()
        await eventually(lambda: not pipe.is_held)
