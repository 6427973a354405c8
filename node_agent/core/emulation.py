"""A session's screen: an engine, what becomes of it when it breaks, and where a half-read sequence began.

The engine boundary is here: an engine that raises is replaced by the other one, restored from the last checkpoint, and
the bytes since then are fed again. Events and replies of bytes that were fed before are not given out twice.
"""

from __future__ import annotations

import logging
import traceback
from typing import Callable, List, NamedTuple, Optional, Tuple

from node_agent.protocol.colors import Colors, parse_color
from node_agent.terminal.delta import ScreenModel, ScreenReader
from node_agent.terminal.engine import Checkpoint, Engine, EngineOptions, Event, Reply
from node_agent.terminal.engines import DEFAULT_ENGINE, create_engine, restore_engine
from node_agent.terminal.vt.engine import VtEngine

log = logging.getLogger(__name__)

FALLBACK_ENGINE = "pyte"
_RESET = b"\x1bc"
LoadCheckpoint = Callable[[], Optional[Checkpoint]]


class Snapshot(NamedTuple):
    """ANSI that stands for the screen at `offset`."""

    offset: int
    data: bytes


class Breakage(NamedTuple):
    """An engine that raised: `data` is what it was fed, `end` the journal offset after that."""

    engine: str
    error: str
    data: bytes
    end: int


def options_of(colors: Optional[Colors]) -> EngineOptions:
    """What the terminal of a session that was started with `colors` answers; a cursor not named is the foreground's."""
    defaults = EngineOptions()
    if colors is None:
        return defaults
    foreground = parse_color(colors.foreground) or defaults.foreground
    return EngineOptions(
        foreground=foreground,
        background=parse_color(colors.background) or defaults.background,
        cursor=parse_color(colors.cursor) or foreground,
    )


class Emulation:
    """The screen of one session. `columns` and `rows` are those the session began with."""

    def __init__(
        self, session: str, columns: int, rows: int, load: LoadCheckpoint, colors: Optional[Colors] = None
    ) -> None:
        self._session = session
        self._options = options_of(colors)
        self._first_size = (columns, rows)
        self._load = load
        self._reader: Optional[ScreenReader] = None
        self.engine: Engine = self._restore(DEFAULT_ENGINE)
        self._breakage: Optional[Breakage] = None
        self._told = self.engine.offset
        self.boundary = self.engine.offset  # the last known offset that is not inside a sequence

    @property
    def offset(self) -> int:
        return self.engine.offset

    def feed(self, data: bytes, may_skip: bool = False) -> None:
        """Interpret `data`; when the engine breaks, `offset` falls back to that of the last checkpoint.

        When the fallback breaks too, its screen is blank and goes on after `data`.

        With `may_skip` what a reset of the terminal wipes out is passed over. Other sync points are not looked for:
        to find one takes longer than to interpret what it would save.
        """
        fed, end = data, self.engine.offset + len(data)
        try:
            if may_skip and _RESET in data and isinstance(self.engine, VtEngine):
                data = data[self.engine.skip_to_sync(data) or 0 :]
            self.engine.feed(data)
        except Exception:  # noqa: BLE001 - the engine boundary: whatever a program prints, the session goes on
            self._fall_back(fed, end)
            return
        if self.engine.at_boundary:
            self.boundary = self.engine.offset

    def resize(self, columns: int, rows: int) -> None:
        try:
            self.engine.resize(columns, rows)
        except Exception:  # noqa: BLE001 - the engine boundary: see feed
            self._fall_back(b"", self.engine.offset)

    def take_breakage(self) -> Optional[Breakage]:
        """How an engine broke since the last call, or None."""
        breakage, self._breakage = self._breakage, None
        return breakage

    def skip_to(self, offset: int) -> None:
        """The bytes up to `offset` are gone: go on after them with a blank screen of the same size."""
        self._replace(self._blank(self.engine.name, offset))

    def show_note(self, text: str) -> None:
        """Show `text` instead of the session's screen, which is not drawn any more."""
        data = text.encode()
        engine = self._blank(FALLBACK_ENGINE, max(0, self.engine.offset - len(data)))
        engine.feed(data)
        self._replace(engine)

    def read_screen(self) -> ScreenModel:
        """The screen as it crosses the wire; rows are built once for all who watch."""
        if self._reader is None:
            self._reader = ScreenReader(self.engine)
        return self._reader.read()

    def forget_rows(self) -> None:
        """Nobody watches any more: give back what `read_screen` keeps."""
        self._reader = None

    def drain(self) -> Tuple[List[Event], List[Reply]]:
        """What the program told its terminal, and what it asked, since the last call."""
        told, self._told = self._told, max(self._told, self.engine.offset)
        events = [event for event in self.engine.drain_events() if event.offset > told]
        replies = [reply for reply in self.engine.drain_replies() if reply.offset > told]
        return events, replies

    def snapshot(self, history: int) -> Optional[Snapshot]:
        """What an attaching terminal is painted with, or None inside a sequence that has had an effect already."""
        offset = self.engine.settled_offset
        return None if offset is None else Snapshot(offset, self.engine.snapshot(history))

    def checkpoint(self) -> Optional[Checkpoint]:
        """The whole state, or None inside a sequence that has had an effect already."""
        return None if self.engine.settled_offset is None else self.engine.checkpoint()

    def _fall_back(self, data: bytes, end: int) -> None:
        """Go on in the other engine from the last checkpoint; when that is the broken one, after `end` and blank."""
        name = self.engine.name
        log.exception("session %s: the %s engine broke at offset %d", self._session, name, self.engine.offset)
        self._breakage = Breakage(name, traceback.format_exc(), data, end)
        self._replace(self._blank(name, end) if name == FALLBACK_ENGINE else self._restore(FALLBACK_ENGINE))

    def _blank(self, name: str, offset: int) -> Engine:
        """An engine with nothing on its screen that goes on at `offset`."""
        checkpoint = create_engine(name, self.engine.columns, self.engine.rows, self._options).checkpoint()
        return restore_engine(name, {**checkpoint, "offset": offset}, self._options)

    def _replace(self, engine: Engine) -> None:
        self.engine = engine
        self.boundary = engine.offset
        self._reader = None

    def _restore(self, name: str) -> Engine:
        checkpoint = self._load()
        if checkpoint is not None:
            try:
                return restore_engine(name, checkpoint, self._options)
            except ValueError as error:
                log.warning("session %s: its checkpoint is of no use: %s", self._session, error)
        return create_engine(name, *self._first_size, self._options)
