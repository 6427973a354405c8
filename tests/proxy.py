"""A TCP link that can be made bad: resets, stalls, refusals, latency, bandwidth.

In a test: `async with open_proxy("127.0.0.1", port) as proxy:`, then connect to `proxy.port`. For a bench, where the
proxy should not share the measured loop, `python -m tests.proxy HOST:PORT --latency 0.01 --bandwidth 5e6` prints its
port.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PIECE = 16 * 1024


class Direction:
    """One way of the link, shared by all connections: a queue with a rate, then a delay."""

    def __init__(self, latency: float, bandwidth: float, buffer: int) -> None:
        self.latency = latency  # seconds
        self.bandwidth = bandwidth  # bytes a second, 0 for no limit
        self.buffer = buffer  # bytes that may queue before the sender is held back
        self._free_at = 0.0

    async def send(self, size: int) -> float:
        """Take `size` bytes onto the link, waiting while its queue is full; returns when they arrive (loop time)."""
        loop = asyncio.get_running_loop()
        if not self.bandwidth:
            return loop.time() + self.latency
        room_at = self._free_at - self.buffer / self.bandwidth
        if (wait := room_at - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._free_at = max(loop.time(), self._free_at) + size / self.bandwidth
        return self._free_at + self.latency


class Proxy:
    """The link. `stall` keeps all bytes, `flow` lets them go on, `reset` cuts every connection with an RST.

    `stick` keeps what the connections of this moment send up, as a TCP does that backs off after losses.
    """

    def __init__(
        self, host: str, port: int, latency: float = 0.0, bandwidth: float = 0.0, buffer: int = 64 * 1024
    ) -> None:
        self._target = (host, port)
        self._up = Direction(latency, bandwidth, buffer)
        self._down = Direction(latency, bandwidth, buffer)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._ways_up: set[asyncio.Event] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._progress = asyncio.Event()
        self.port = 0
        self.accepted = 0
        self.passed = 0  # bytes, both ways

    async def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_PIECE)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def stall(self) -> None:
        """Keep all bytes back; connections are still accepted."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let bytes pass again, those kept back first."""
        self._flowing.set()

    def stick(self) -> None:
        """Keep back for ever what the connections that are open now send; what they are sent passes."""
        for way in self._ways_up:
            way.clear()

    def refuse(self, refusing: bool = True) -> None:
        """Reset each new connection at once."""
        self._refusing = refusing

    def reset(self) -> None:
        """Cut all connections with an RST."""
        for writer in self._writers:
            _reset(writer)
        for task in self._connections:
            task.cancel()

    async def until_passed(self, size: int) -> None:
        """Wait until `size` bytes have passed in all."""
        while self.passed < size:
            self._progress.clear()
            await self._progress.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self._writers.add(writer)
        # asyncio sets it only on sockets that were made with a protocol number, as the listener was not
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._connections.discard(task)
            self._writers.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        far.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(far, self._target)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            far_reader, far_writer = await asyncio.open_connection(sock=far, limit=_PIECE)
        except BaseException:  # cancelled, too: no writer has the socket yet
            far.close()
            raise
        self._writers.add(far_writer)
        self._ways_up.add(passing := asyncio.Event())
        passing.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, self._up, passing))
                group.create_task(self._pass(far_reader, writer, self._down, self._flowing))
        except* OSError:
            _reset(writer)
        finally:
            self._ways_up.discard(passing)
            self._writers.discard(far_writer)
            _reset(far_writer)
            writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction, passing: asyncio.Event
    ) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            loop = asyncio.get_running_loop()
            while True:
                arrival, data = await on_the_way.get()
                if (wait := arrival - loop.time()) > 0:
                    await asyncio.sleep(wait)
                await self._flowing.wait()
                await passing.wait()
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                self.passed += len(data)
                self._progress.set()
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            while True:
                data = await reader.read(_PIECE)
                on_the_way.put_nowait((await way.send(len(data)), data))
                await self._flowing.wait()
                if not data:
                    return


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def open_proxy(
    host: str, port: int, *, latency: float = 0.0, bandwidth: float = 0.0, buffer: int = 64 * 1024
) -> AsyncIterator[Proxy]:
    """A proxy on a free port; `latency` in seconds each way, `bandwidth` in bytes a second each way."""
    proxy = Proxy(host, port, latency, bandwidth, buffer)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def _main() -> None:
    parser = argparse.ArgumentParser(description="A slow TCP link; prints its port, ends at the end of its stdin.")
    parser.add_argument("target", help="host:port")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds each way")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="bytes a second each way")
    parser.add_argument("--buffer", type=int, default=64 * 1024, help="bytes queued before the sender is held back")
    given = parser.parse_args()
    host, _, port = given.target.rpartition(":")
    async with open_proxy(
        host, int(port), latency=given.latency, bandwidth=given.bandwidth, buffer=given.buffer
    ) as proxy:
        print(proxy.port, flush=True)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(0, ended.set)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_main())
