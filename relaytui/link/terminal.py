"""A program on a raw terminal of its own, as a byte stream. Owns the process and the terminal's master."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import tty

from ptyprocess import PtyProcess


class Terminal:
    """Reader and writer of the terminal; raw, so that bytes pass unchanged both ways."""

    def __init__(self, process: PtyProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._first = b""

    @classmethod
    async def run(cls, argv: list[str]) -> Terminal:
        """Start a program. Raises FileNotFoundError where there is none of that name."""
        process = await asyncio.to_thread(PtyProcess.spawn, argv)
        tty.setraw(process.fd)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        incoming, _ = await loop.connect_read_pipe(
            lambda: _Incoming(reader), os.fdopen(os.dup(process.fd), "rb", buffering=0)
        )
        outgoing, protocol = await loop.connect_write_pipe(
            lambda: _Outgoing(incoming), os.fdopen(os.dup(process.fd), "wb", buffering=0)
        )
        return cls(process, reader, asyncio.StreamWriter(outgoing, protocol, None, loop))

    def unread(self, data: bytes) -> None:
        """Have `data` read again first."""
        self._first = data + self._first

    async def read(self, n: int) -> bytes:
        if self._first:
            first, self._first = self._first[:n], self._first[n:]
            return first
        return await self._reader.read(n)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def end(self) -> None:
        """Tell the program to end, hang up and see it end, killed if it must be.

        In this order: ssh at a prompt takes a terminal that is gone for an empty answer, and tries that.
        """
        if self._process.isalive():
            self._process.kill(signal.SIGTERM)
        self.close()
        await asyncio.to_thread(self._process.close)


class _Incoming(asyncio.StreamReaderProtocol):
    """Takes EIO for the end of the stream: so Linux says that nobody holds the terminal's other side any more."""

    def connection_lost(self, exc: Exception | None) -> None:
        is_end = isinstance(exc, OSError) and exc.errno == errno.EIO
        super().connection_lost(None if is_end else exc)


class _Outgoing(asyncio.streams.FlowControlMixin):
    """Closes the reading side together with the writing side: both are the one terminal."""

    def __init__(self, incoming: asyncio.BaseTransport) -> None:
        super().__init__()
        self._incoming = incoming

    def connection_lost(self, exc: Exception | None) -> None:
        self._incoming.close()
        super().connection_lost(exc)
