"""Watching a session and typing over a link that is cut: what comes is the journal, what is acknowledged is typed."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from node_agent.protocol.errors import RequestError
from node_agent.protocol.ids import SessionId
from relaytui.link.errors import LinkError
from relaytui.link.resume import ByteFeed
from relaytui.link.streams import Gap, Output, Snapshot
from tests.chaos.journals import digest, head_of, read_journal
from tests.chaos.remote import Remote
from tests.waiting import eventually

FAR_BEHIND = 128 * 1024
"""An attach leaves out less than this only by mistake: it is 256 KB behind then, the window of bytes under way off."""


class Received:
    """What came of one session's output: every byte at its offset, with the gaps that were marked."""

    def __init__(self, feed: ByteFeed) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.gaps: list[Gap] = []
        self.at: int | None = None
        self.feed = feed
        self.task = asyncio.create_task(self._take())

    async def _take(self) -> None:
        async for item in self.feed:
            if isinstance(item, Output):
                assert self.at in (None, item.offset), f"bytes from {item.offset} after {self.at}"
                self.pieces.append((item.offset, item.data))
                self.at = item.end
            elif isinstance(item, Gap):
                assert item.start == self.at, f"a gap from {item.start} after {self.at}"
                self.gaps.append(item)
                self.at = item.end
            elif isinstance(item, Snapshot):
                assert self.at in (None, item.offset), f"a snapshot of {item.offset} after {self.at}"
                self.at = item.offset

    def check(self, journal: bytes) -> None:
        """All that came is what the journal has there, up to its end."""
        assert self.at == len(journal)
        for offset, data in self.pieces:
            assert journal[offset : offset + len(data)] == data
        for gap in self.gaps:
            assert gap.end - gap.start > FAR_BEHIND, gap


class Typist:
    """Types numbered words into a recorder as an attached operator does: what a cut swallows is not typed again."""

    def __init__(self, received: Received) -> None:
        self.acknowledged: list[int] = []
        self.tried = 0
        self._received = received
        self.task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        for number in itertools.count():
            stream = self._received.feed.stream
            if stream is not None:
                self.tried = number
                try:
                    await stream.send(b"<%d>" % number)
                    self.acknowledged.append(number)
                except (LinkError, RequestError):
                    pass
            await asyncio.sleep(0.02)

    def check(self, typed: bytes) -> None:
        """What the program was given: each acknowledged word once, the unconfirmed at most once, in order."""
        words = words_in(typed)
        assert words == sorted(set(words))
        assert not (lost := set(self.acknowledged) - set(words)), f"acknowledged and not typed: {sorted(lost)}"


class Watch:
    """One session that prints, attached to and followed, and one that records what is typed. `tmp` gets accounts."""

    def __init__(self, remote: Remote, tmp: Path, writer: SessionId, recorder: SessionId) -> None:
        self.attached = Received(remote.feed(writer, "attach"))
        self.followed = Received(remote.feed(writer, "follow"))
        self.typed = Received(remote.feed(recorder, "attach"))
        self.typist = Typist(self.typed)
        self._remote = remote
        self._tmp = tmp
        self._writer = writer

    @classmethod
    async def begin(cls, remote: Remote, tmp: Path) -> Watch:
        """Start both sessions; all is under way when this returns."""
        writer = await remote.start("writer", "1", str(tmp / "stop"), str(tmp / "printed"))
        recorder = await remote.start_recorder(tmp / "typed")
        watch = cls(remote, tmp, writer, recorder)
        await eventually(lambda: watch.typist.acknowledged and watch.attached.pieces and watch.followed.pieces)
        return watch

    async def end(self) -> str:
        """Let the writer end, see that everything has come as it was printed and typed; what there was, in words."""
        await self._remote.connected()
        self.typist.task.cancel()
        (self._tmp / "stop").touch()
        await self._remote.closed(self._writer)
        directory = self._remote.node.paths.sessions / self._writer
        head = head_of(directory)
        await eventually(lambda: self.attached.at == self.followed.at == head, limit=60)
        journal = read_journal(directory)
        assert digest(journal) == digest((self._tmp / "printed").read_bytes())
        assert digest(b"".join(data for _, data in self.followed.pieces)) == digest(journal)
        self.attached.check(journal)
        self.followed.check(journal)
        record = self._tmp / "typed"
        await eventually(lambda: b"<%d>" % self.typist.acknowledged[-1] in record.read_bytes())
        self.typist.check(record.read_bytes())
        words = len(self.typist.acknowledged)
        return f"{len(journal)} bytes, {len(self.attached.gaps)} gaps, {words} words acknowledged"

    async def stop(self) -> None:
        """Watch no more, whether or not all has come."""
        tasks = [self.typist.task, self.attached.task, self.followed.task, self.typed.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def words_in(typed: bytes) -> list[int]:
    """The numbers of the words `<n>`, of which `typed` consists to the byte."""
    words = [int(word) for word in typed.replace(b"<", b" ").replace(b">", b" ").split()]
    assert typed == b"".join(b"<%d>" % word for word in words)
    return words
