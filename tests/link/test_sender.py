"""What a connection writes: small frames at once, and nothing out of turn or lost when the other side holds back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from relaytui.link.pushed import LIMIT, PushedStream
from relaytui.link.sender import _MOST_AT_ONCE, Sender
from relaytui.link.tasks import cancel, spawn


class SlowWriter:
    """Takes everything, but says that there is room only while `may_go` is set."""

    def __init__(self) -> None:
        self.written = b""
        self.may_go = asyncio.Event()
        self.may_go.set()

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        await self.may_go.wait()

    def close(self) -> None: ...


@pytest.fixture
async def writer() -> SlowWriter:
    return SlowWriter()


@pytest.fixture
async def sender(writer: SlowWriter) -> AsyncIterator[Sender]:
    made = Sender(writer)
    running = spawn(made.run(), name="sender")
    await asyncio.sleep(0)
    yield made
    await cancel(running)


async def test_a_key_is_written_before_send_returns(sender: Sender, writer: SlowWriter) -> None:
    sender.send(b"key", 1)
    assert writer.written == b"key"


async def test_no_more_than_a_little_is_written_while_the_other_side_holds_back(
    sender: Sender, writer: SlowWriter
) -> None:
    writer.may_go.clear()
    frames = [bytes([65 + number]) * 1000 for number in range(26)]
    for frame in frames:
        sender.send(frame, 1)
    await asyncio.sleep(0)
    assert len(writer.written) <= _MOST_AT_ONCE
    writer.may_go.set()
    async with asyncio.timeout(5):
        while len(writer.written) < 26_000:  # noqa: ASYNC110 - the writer is a stand-in that tells nobody
            await asyncio.sleep(0)
    assert writer.written == b"".join(frames)


async def test_a_frame_that_comes_while_the_last_is_drained_is_not_forgotten(
    sender: Sender, writer: SlowWriter
) -> None:
    writer.may_go.clear()
    sender.send(b"p" * (_MOST_AT_ONCE + 1), 1)
    await asyncio.sleep(0)
    sender.send(b"key", 2)
    writer.may_go.set()
    async with asyncio.timeout(5):
        while len(writer.written) < _MOST_AT_ONCE + 4:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    assert writer.written.startswith(b"key")  # it overtakes a paste


class Transport:
    """Remembers whether it was told to hold back."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


async def test_what_nobody_reads_holds_the_other_side_back_until_it_is_handed_on() -> None:
    transport, stream = Transport(), PushedStream()
    stream.connection_made(transport)
    stream.data_received(b"a" * LIMIT)
    assert transport.calls == []
    stream.data_received(b"b")
    assert transport.calls == ["pause"]
    assert await stream.read(LIMIT) == b"a" * LIMIT
    assert transport.calls == ["pause", "resume"]
    taken: list[bytes] = []
    stream.hand_on(taken.append)
    stream.data_received(b"c")
    assert taken == [b"b", b"c"]
    stream.connection_lost(ConnectionResetError("gone"))
    with pytest.raises(ConnectionResetError, match="gone"):
        await stream.read(1)
    with pytest.raises(ConnectionResetError, match="gone"):
        await stream.drain()
