"""A node of the test's own, and a place on loopback that alerts are sent to."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Node, running_node

HASTY_AGENT = str(Path(__file__).with_name("hasty_agent.py"))


class _Server(ThreadingHTTPServer):
    """One that a sender which stands still in the middle of a request holds up neither now nor at the end."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 100


class Letterbox:
    """A web server that keeps what is posted to it and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.posts: list[dict[str, Any]] = []
        self.refused = 0
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if box.status == 200:
                    box.posts.append(json.loads(body))
                else:
                    box.refused += 1
                self.send_response(box.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing on stderr."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/topic"

    def alert_keys(self) -> list[str]:
        """The key of every alert that came, each as often as it came."""
        return [key for post in self.posts for key in post["keys"]]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    box = Letterbox()
    yield box
    box.close()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node whose claims last one second instead of fifteen."""
    async with running_node(tmp_path, agent_args=(HASTY_AGENT,)) as node:
        yield node
