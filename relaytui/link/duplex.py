"""A byte stream in both directions, whatever carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


class Reader(Protocol):
    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" at the end. Raises OSError or LinkError when the link broke."""


class Writer(Protocol):
    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def close(self) -> None: ...


class After:
    """A reader that gives `first` before what `reader` has."""

    def __init__(self, first: bytes, reader: Reader) -> None:
        self._first = first
        self._reader = reader

    async def read(self, n: int) -> bytes:
        if self._first:
            first, self._first = self._first[:n], self._first[n:]
            return first
        return await self._reader.read(n)


async def _nothing() -> None:
    return None


@dataclass
class Duplex:
    """A reader and a writer; `release` waits until what carries them is closed too.

    `beside` opens one more stream to the agent on the login that carries this one, and raises a LinkError; None where
    that login carries no other.
    """

    reader: Reader
    writer: Writer
    note: str = ""  # in plain words, where it is not the ordinary way ("through the exec bridge")
    release: Callable[[], Awaitable[None]] = field(default=_nothing)
    beside: Callable[[], Awaitable[Duplex]] | None = None

    async def close(self) -> None:
        self.writer.close()
        await self.release()


class Connector(Protocol):
    """Opens byte streams to one node's agent, the agent being started where it is not running."""

    async def open(self, *, bulk: bool = False) -> Duplex:
        """A stream that will begin with the agent's preamble; `bulk` keeps it off the interactive connection.

        Raises a LinkError. Bounded in time but for questions put to the operator.
        """


@runtime_checkable
class HandsOn(Protocol):
    """A reader that can give each piece to a callback as it arrives; `read` then only tells of the end."""

    def hand_on(self, take: Callable[[bytes], None]) -> None: ...
