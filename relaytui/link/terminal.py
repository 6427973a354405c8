"""A program on a raw terminal of its own, as a byte stream. Owns the process and the terminal's master.

Its standard error is no part of the stream: what it says there when the other side is cut off must not end a frame.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import signal
import tty
from contextlib import suppress

from ptyprocess import PtyProcess

_MOST_SAID = 64 * 1024
"""Bytes of standard error that are kept, the last ones."""

_LAST_WORDS_SECONDS = 1.0
"""How long standard error may stay open after the terminal: a child that the program left may hold it."""


class Terminal:
    """Reader and writer of the terminal; raw, so that bytes pass unchanged both ways."""

    def __init__(
        self, process: PtyProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, errors: _Errors
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._errors = errors
        self._first = b""

    @classmethod
    async def run(cls, argv: list[str]) -> Terminal:
        """Start a program. Raises FileNotFoundError where there is none of that name."""
        loop = asyncio.get_running_loop()
        said, says = os.pipe()
        try:
            errors = _Errors()
            await loop.connect_read_pipe(lambda: errors, os.fdopen(said, "rb", buffering=0))
            redirect = functools.partial(os.dup2, says, 2)
            process = await asyncio.to_thread(PtyProcess.spawn, argv, preexec_fn=redirect, pass_fds=(says,))
        finally:
            os.close(says)  # with nobody else to hold it, the reading end closes itself
        tty.setraw(process.fd)
        reader = asyncio.StreamReader(loop=loop)
        incoming, _ = await loop.connect_read_pipe(
            lambda: _Incoming(reader), os.fdopen(os.dup(process.fd), "rb", buffering=0)
        )
        outgoing, protocol = await loop.connect_write_pipe(
            lambda: _Outgoing(incoming), os.fdopen(os.dup(process.fd), "wb", buffering=0)
        )
        return cls(process, reader, asyncio.StreamWriter(outgoing, protocol, None, loop), errors)

    @property
    def said(self) -> bytes:
        """What the program has said on standard error so far."""
        return self._errors.said

    async def last_words(self) -> bytes:
        """The same once it says no more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._errors.ended.wait()
        return self.said

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
        self._errors.close()


class _Errors(asyncio.Protocol):
    """Takes in standard error, so that the program never waits to be heard, and keeps the end of it."""

    def __init__(self) -> None:
        self.said = b""
        self.ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.said = (self.said + data)[-_MOST_SAID:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


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
