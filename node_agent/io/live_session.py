"""One session as the agent lives with it: the model, the screen, and the journal it is read from.

It follows the journal in the order in which things happened: output, and between it resizes and input at the offsets
the index gives. It must not know what clients there are, nor what is asked of a human.
"""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Callable, Deque, List, Optional, Protocol, Tuple, Union

from node_agent.core.burst import Burst
from node_agent.core.emulation import Breakage, Emulation, Snapshot
from node_agent.core.session import Session
from node_agent.io.checkpoints import SavedScreen, load_screen
from node_agent.io.detection import Detection
from node_agent.journal.index import Input, Record, Resize
from node_agent.journal.reader import JournalReader, Missing
from node_agent.journal.tail import IndexTail, Position
from node_agent.protocol.colors import Colors
from node_agent.terminal.engine import Checkpoint, Event, Reply

FEED_BYTES, MOST_FEED_BYTES = 4096, 64 * 1024
"""Bytes fed at once: few enough for a budget of milliseconds with a slow engine, more where they prove quick."""

QUICK = 0.0005
"""Seconds in which a feed is done that may be larger the next time; one that took twice as long was too large."""

STALLED = 0.2
"""Seconds after which a half-read sequence is taken not to go on soon."""


class Watcher(Protocol):
    def grew(self) -> None:
        """The session's journal has grown."""

    def changed(self) -> None:
        """The session's screen or state has changed."""


class Happening:
    """What came of one step through the journal."""

    def __init__(self) -> None:
        self.is_fed = False
        self.events: List[Event] = []
        self.replies: List[Reply] = []
        self.breakage: Optional[Breakage] = None


class LiveSession:
    """A session. `size` is the one it began with: the index tells of every change since."""

    def __init__(
        self, model: Session, directory: Path, pid: int, size: Tuple[int, int], colors: Optional[Colors] = None
    ) -> None:
        self.model = model
        self.directory = directory
        self.pid = pid
        self.watchers: List[Watcher] = []
        self.typing = asyncio.Lock()  # one request to type at a time
        self.committing = asyncio.Lock()  # events are committed in the order in which they happened
        self.ending = asyncio.Lock()  # exited is recorded before closed
        self.detection: Optional[Detection] = None
        self.burst = Burst()
        self.saved_at = 0.0
        self.save_took = 0.0  # seconds, the last time
        self.stopped_by = ""  # who had it ended: its end is then no news
        self.is_index_due = False
        self._is_segment_due = True  # the index of a later segment may have begun
        self.fed_at = 0.0
        self.is_saving = False
        self.suspect: Optional[int] = None  # an agent died on output from this offset on
        self.held_replies: List[Reply] = []  # asked while the screen was catching up
        self._size, self._colors = size, colors
        self._journal = JournalReader(str(directory))
        self._feed_bytes = FEED_BYTES
        self._segment = -1  # of the journal, whose index has been begun
        self._records: Deque[Record] = deque()
        self._index = IndexTail(str(directory))
        self._place = self._index.position  # in the index, where `_records` begin
        self._has_resized = False  # by a record from after `_place`
        self._applied = 0  # the offset of the last record that was
        self.emulation = Emulation(model.id, *size, self._load_checkpoint, colors)
        self.saved_offset = self.emulation.offset

    @property
    def is_behind(self) -> bool:
        """Whether there is something in the journal that the screen does not show."""
        if self.model.quarantined:
            return False
        if self._records and self._records[0].offset <= self.emulation.offset:
            return True
        return self.is_index_due or self.emulation.offset < self.model.head

    def unwatch(self, watcher: Watcher) -> None:
        if watcher in self.watchers:
            self.watchers.remove(watcher)
        if not self.watchers:
            self.emulation.forget_rows()

    def tell_watchers(self) -> None:
        for watcher in self.watchers:
            watcher.changed()

    def tell_of_growth(self) -> None:
        for watcher in self.watchers:
            watcher.grew()

    def step(self, mark: Callable[[int], None]) -> Happening:
        """Take the next thing from the journal: a slice of output, or what the index has at this offset.

        `mark` is told the offset before output is fed. Raises OSError when the journal cannot be read.
        """
        happening = Happening()
        if not self._records:
            self._place, self._has_resized = self._index.position, False
        found = self._index.read(self._is_segment_due)
        self.is_index_due = self._is_segment_due = False
        self._records.extend(record for record in found if isinstance(record.body, (Input, Resize)))
        while self._records and self._records[0].offset <= self.emulation.offset:
            self._apply(self._records.popleft())
        stop = self._records[0].offset if self._records else self.model.head
        length = min(self._feed_bytes, stop - self.emulation.offset, self.model.head - self.emulation.offset)
        if length > 0:
            self._feed(length, mark, happening)
        return happening

    def note_pace(self, seconds: float) -> None:
        """The last step took this long: feed more at once, or less."""
        if self.suspect is not None:
            self._feed_bytes = FEED_BYTES
        elif seconds > 2 * QUICK:
            self._feed_bytes = max(FEED_BYTES, self._feed_bytes // 2)
        elif seconds < QUICK:
            self._feed_bytes = min(MOST_FEED_BYTES, self._feed_bytes * 2)

    def _feed(self, length: int, mark: Callable[[int], None], happening: Happening) -> None:
        found: Union[bytes, Missing] = self._journal.read(self.emulation.offset, length)
        if isinstance(found, Missing):
            self.emulation.skip_to(found.end)
            return
        if not found:
            self.model.head = self.emulation.offset  # less on disk than was said: a removed or torn journal
            return
        if self._journal.base != self._segment:
            self._segment = self._journal.base
            self.is_index_due = self._is_segment_due = True  # the index of these bytes comes before them
            return
        mark(self.emulation.offset)
        self.emulation.feed(found, may_skip=self.model.catching_up)
        happening.is_fed = True
        happening.events, happening.replies = self.emulation.drain()
        happening.breakage = self.emulation.take_breakage()

    def output_to(self, end: int) -> bytes:
        """The output that the screen does not show yet, up to offset `end`; less where it is not in one piece."""
        length = end - self.emulation.offset
        found = self._journal.read(self.emulation.offset, length) if length > 0 else b""
        return b"" if isinstance(found, Missing) else found

    def _apply(self, record: Record) -> None:
        self._applied = record.offset
        if isinstance(record.body, Resize):
            self._has_resized = True
            self.emulation.resize(record.body.columns, record.body.rows)
            self.model.columns, self.model.rows = record.body.columns, record.body.rows
        if self.detection is not None:
            self.detection.on_record(record)

    def tell_detection_of(self, since: int) -> None:
        """Tell the detector what happened from offset `since` up to the restored screen, which no step will tell."""
        end = self.emulation.offset
        if self.detection is None or end <= since:
            return
        for record in self._journal.records(since):
            if since <= record.offset < end:
                self.detection.on_record(record)
        self.detection.on_output(end, [])

    def screen_to_save(self) -> Optional[SavedScreen]:
        """The screen and its place in the index, or None at a moment at which it would not be exact."""
        if self._records and self._has_resized:
            return None  # read again from their beginning, the records would resize the screen once more
        checkpoint = self.emulation.checkpoint()
        if checkpoint is None or checkpoint["offset"] < self._applied:
            return None  # records inside a half-read sequence would not be told to the detector again
        return SavedScreen(checkpoint, self._place if self._records else self._index.position)

    def snapshot(self, history: int, now: float) -> Optional[Snapshot]:
        """What an attaching terminal is painted with, or None to try again when more output has come."""
        snapshot = self.emulation.snapshot(history)
        if snapshot is None and not self.is_behind and now - self.fed_at > STALLED:
            snapshot = self._snapshot_before_half_read(history)
        return snapshot

    def _snapshot_before_half_read(self, history: int) -> Optional[Snapshot]:
        """A snapshot of the screen before the sequence that a program began and does not end."""
        twin = LiveSession(self.model, self.directory, self.pid, self._size, self._colors)
        try:
            while twin.emulation.offset < self.emulation.boundary:
                twin._records.extend(twin._index.read())
                while twin._records and twin._records[0].offset <= twin.emulation.offset:
                    record = twin._records.popleft()
                    if isinstance(record.body, Resize):
                        twin.emulation.resize(record.body.columns, record.body.rows)
                stop = min(self.emulation.boundary, twin._records[0].offset if twin._records else self.model.head)
                found = twin._journal.read(twin.emulation.offset, stop - twin.emulation.offset)
                if isinstance(found, Missing) or not found:
                    return None
                twin.emulation.feed(found)
            return twin.emulation.snapshot(history)
        finally:
            twin.close()

    def close(self) -> None:
        """Give back files and timers."""
        self._journal.close()
        self._index.close()
        if self.detection is not None:
            self.detection.close()

    def _load_checkpoint(self) -> Optional[Checkpoint]:
        saved = load_screen(self.directory)
        self._start_index(saved.place if saved else Position())
        return saved.checkpoint if saved else None

    def _start_index(self, position: Position) -> None:
        """Read the index on from `position`, which fits the screen that was just restored."""
        self._records.clear()
        self._index.close()
        self._index = IndexTail(str(self.directory), position)
        self._is_segment_due = True
