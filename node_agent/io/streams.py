"""What a client follows of a session: its screen, or its bytes. Frames are made when there is room to send them."""

from __future__ import annotations

import enum
from typing import Callable, List, Optional

from node_agent.core.byte_stream import ByteMode, ByteStream, Step, StepKind
from node_agent.core.screen_stream import ScreenStream
from node_agent.io.clock import Clock
from node_agent.io.live_session import STALLED, LiveSession
from node_agent.journal.reader import JournalReader, Missing
from node_agent.protocol.frames import MAX_BYTES_FRAME, FrameType, encode_frame, encode_json
from node_agent.terminal.delta import ScreenModel, screen_delta
from node_agent.terminal.rows import row_spans

ECHO_BYTES = 4096
"""Bytes an attached terminal may lack to be served before screens: what keys bring about is small."""


class Urgency(enum.IntEnum):
    """Which feed of a connection is served first."""

    ECHO = 0
    SCREEN = 1
    BULK = 2


class ScreenFeed:
    """SCREEN frames of one session: row deltas against the screen the client is known to have."""

    urgency = Urgency.SCREEN
    has_echo = False

    def __init__(
        self, session: LiveSession, clock: Clock, interval: float, history: int, wake: Callable[[], None]
    ) -> None:
        self._session = session
        self._clock = clock
        self._flow = ScreenStream(interval)
        self._history = history
        self._wake = wake
        self._held: Optional[ScreenModel] = None
        self._told_due: Optional[float] = None  # for which the connection has been woken
        session.watchers.append(self)

    def tune(self, interval: float) -> None:
        self._flow.tune(interval)
        self._wake()

    def grew(self) -> None:
        """The journal has; the screen is still what it was."""

    def changed(self) -> None:
        """The session's screen has changed; in a flood it does so far more often than it is sent."""
        self._flow.mark_dirty()
        due = self.due_at()
        if due is not None and due != self._told_due:
            self._told_due = due
            self._wake()

    def ack(self, revision: int) -> None:
        self._flow.ack(revision)

    def end(self) -> None:
        self._session.unwatch(self)

    def due_at(self) -> Optional[float]:
        return self._flow.due_at(self._clock.boot(), self._session.emulation.engine.modes.synchronized)

    def next_frame(self, stream: int) -> Optional[bytes]:
        due = self.due_at()
        now = self._clock.boot()
        if due is None or due > now:
            return None
        self._told_due = None
        current = self._session.emulation.read_screen()
        delta = screen_delta(self._held, current)
        if delta is None:
            self._flow.clean()
            return None
        if self._held is None and self._history:
            delta["history"] = self._read_history()
        self._held = current
        done = self._clock.boot()
        return encode_json(FrameType.SCREEN, delta, stream, self._flow.sent(done, done - now))

    def _read_history(self) -> List[object]:
        """The last kept rows above the screen, oldest first."""
        engine = self._session.emulation.engine
        kept = engine.history_length
        return [row_spans(engine.history_cells(index)) for index in range(max(0, kept - self._history), kept)]


class ByteFeed:
    """SNAPSHOT, BYTES and GAP frames of one session, and the way in for what is typed."""

    def __init__(
        self,
        session: LiveSession,
        flow: ByteStream,
        clock: Clock,
        history: int,
        *,
        wake: Callable[[], None],
        take_input: Callable[[int, bytes], None],
        on_over: Callable[[str], None],
        on_end: Callable[[], None],
    ) -> None:
        self.session = session
        self.flow = flow
        self.take_input = take_input
        self._clock = clock
        self._history = history
        self._wake = wake
        self._on_over = on_over
        self._on_end = on_end
        self._try_again: Optional[float] = None
        self._is_over = False
        self._journal = JournalReader(str(session.directory))
        session.watchers.append(self)

    @property
    def urgency(self) -> Urgency:
        is_echo = self.flow.mode is ByteMode.ATTACH and self.session.model.head - self.flow.sent <= ECHO_BYTES
        return Urgency.ECHO if is_echo else Urgency.BULK

    @property
    def has_echo(self) -> bool:
        """Whether a painted terminal lacks a few bytes, as after a key."""
        return self.flow.is_painted and self.urgency is Urgency.ECHO and self.session.model.head > self.flow.sent

    def grew(self) -> None:
        self._wake()

    def changed(self) -> None:
        """The session's screen has caught up a little, or the session has ended."""
        self._wake()

    def ack(self, offset: int) -> None:
        self.flow.ack(offset)

    def end(self) -> None:
        self._journal.close()
        self.session.unwatch(self)
        self._on_end()

    def due_at(self) -> Optional[float]:
        return self._try_again

    def next_frame(self, stream: int) -> Optional[bytes]:
        model = self.session.model
        if self._is_over:
            return None
        painted = self.session.emulation.offset
        step = self.flow.next_step(model.head, painted, model.has_ended, MAX_BYTES_FRAME)
        if step is None:
            return None
        if step.kind is StepKind.SNAPSHOT:
            return self._snapshot(stream)
        if step.kind is StepKind.END:
            self._is_over = True
            self._on_over("the session ended" if model.has_ended else "complete")
            return None
        return self._bytes(stream, step)

    def _bytes(self, stream: int, step: Step) -> Optional[bytes]:
        found = self._journal.read(step.offset, step.length)
        if isinstance(found, Missing):
            self.flow.sent_bytes(found.end, 0)
            return encode_json(FrameType.GAP, {"from": found.start}, stream, found.end)
        if not found:
            return None
        self.flow.sent_bytes(step.offset, len(found))
        return encode_frame(FrameType.BYTES, stream, step.offset, found)

    def _snapshot(self, stream: int) -> Optional[bytes]:
        now = self._clock.boot()
        if self._try_again is not None and now < self._try_again:
            return None
        history = 0 if self.flow.is_painted else self._history  # what a gap skips is not worth its while
        snapshot = self.session.snapshot(history, now)
        self._try_again = None if snapshot is not None else now + STALLED
        if snapshot is None:
            return None
        gap = b""
        if self.flow.is_painted:
            gap = encode_json(FrameType.GAP, {"from": self.flow.sent}, stream, snapshot.offset)
        self.flow.sent_snapshot(snapshot.offset)
        return gap + encode_frame(FrameType.SNAPSHOT, stream, snapshot.offset, snapshot.data)
