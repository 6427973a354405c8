"""One session: its terminal, its journal, its input.

    starting ──program runs──> running ──leader ends──> exited ──last holder gone──> closed

Every byte read from the terminal is in the journal before anybody hears of it. Everything that enters the child passes
`submit`. Only a full disk stops the reading; then the bytes in hand are kept and the child is held back by the kernel.
"""

from __future__ import annotations

import os
from typing import List, Optional, Protocol

from node_agent.journal.meta import ExitRecord, SessionMeta, write_exit
from node_agent.journal.writer import JournalWriter
from node_agent.keeper import clock, terminal
from node_agent.keeper.control import ExitStatus, Refused, SessionRecord, WriteResult
from node_agent.keeper.inputs import Block, Decisions, InputQueue, Waiter
from node_agent.keeper.log import log
from node_agent.keeper.loop import READ, WRITE, Loop, Timer
from node_agent.keeper.queries import QueryAges
from node_agent.protocol.states import SessionState

READ_BYTES = 64 * 1024
FULL_READ = 1024
"""Bytes of a read after which there may well be more; after fewer the selector is asked first."""
READS_A_TURN = 16
"""Reads of one terminal before the others get their turn; more than its buffers held when they began."""
PIECES = 16
"""Reads that become one write to the journal: a terminal gives a page a read, however much it has."""
DRAIN_READS = 256
"""Reads that count as draining: a terminal's buffers hold far less, so a program that outruns them is printing on."""
REOPEN_SECONDS = 1.0
"""How often a terminal that nobody holds is looked at while its leader lives: it may open it again."""


class Listener(Protocol):
    """Who hears what becomes of a session."""

    def session_grew(self, session: Session, size: int) -> None: ...
    def session_lost_bytes(self, session: Session) -> None: ...
    def session_exited(self, session: Session) -> None: ...
    def session_closed(self, session: Session) -> None: ...
    def block_decided(self, waiters: List[Waiter], result: WriteResult, is_patient: bool = False) -> None: ...
    def disk_is_full(self, session: Session) -> None: ...


class Session:
    """A session whose terminal this keeper holds, or held."""

    __slots__ = (
        "_events",
        "_listener",
        "_loop",
        "_reopen",
        "answered",
        "awaits_echo",
        "decisions",
        "directory",
        "exit",
        "held",
        "id",
        "input_seq",
        "inputs",
        "journal",
        "master",
        "meta",
        "open_line",
        "pid",
        "queries",
        "state",
    )

    def __init__(
        self,
        meta: SessionMeta,
        directory: str,
        pid: int,
        master: int,
        journal: JournalWriter,
        loop: Loop,
        hub: Listener,
    ) -> None:
        self.id = meta.id
        self.meta = meta
        self.directory = directory
        self.pid = pid
        self.master = master
        self.journal = journal
        self.state = SessionState.STARTING
        self.exit: Optional[ExitStatus] = None
        self.inputs = InputQueue()
        self.decisions = Decisions()
        self.queries = QueryAges()
        self.input_seq = 0
        self.open_line = 0
        self.awaits_echo = False  # a key was written, and nothing printed since
        self.held = b""
        self._loop = loop
        self._listener = hub
        self._events = 0
        self._reopen: Optional[Timer] = None

    @property
    def is_running(self) -> bool:
        return self.state in (SessionState.STARTING, SessionState.RUNNING)

    @property
    def record(self) -> SessionRecord:
        return SessionRecord(
            id=self.id,
            state=self.state,
            pid=self.pid,
            head=self.journal.head,
            first=self.journal.first,
            columns=self.meta.columns,
            rows=self.meta.rows,
            started=self.meta.started,
            request=self.meta.request,
            input_seq=self.input_seq,
            exit=self.exit,
        )

    def begin(self) -> None:
        """Start to read the terminal."""
        self._watch(READ | (WRITE if self.inputs else 0))

    # Output

    def drain(self, reads: int = DRAIN_READS, *, surely: bool = True) -> bool:
        """Read what the terminal has; False when there may be more (or the disk is full).

        Unless `surely`, a first read that is small is taken to be the last, as it is of an echo.
        """
        is_drained = is_over = False
        while reads > 0 and not (is_drained or self.held or self.master < 0):
            pieces: List[bytes] = []
            while len(pieces) < min(reads, PIECES) and not is_drained:
                try:
                    data = os.read(self.master, READ_BYTES)
                except BlockingIOError:
                    is_drained = True
                    break
                except OSError:  # EIO: nobody holds the other end
                    data = b""
                if data:
                    pieces.append(data)
                    if len(data) < FULL_READ and len(pieces) == 1 and not surely:
                        reads = 0
                else:
                    is_drained = is_over = True
            reads -= len(pieces)
            if pieces:
                self._store(b"".join(pieces))
        if is_over and not self.held:
            self._hung_up()
        return self.master < 0 or (is_drained and not self.held)

    def disk_may_have_room(self) -> bool:
        """Try again to write what the full disk refused; True when the session goes on."""
        if self.held:
            data, self.held = self.held, b""
            self._store(data)
        if self.held:
            return False
        if self.master >= 0:
            self._watch(self._events | READ)
        elif self.state is SessionState.CLOSED:
            self._is_complete()
        return True

    def _store(self, data: bytes) -> None:
        now = clock.moment()
        first = self.journal.first
        written = self.journal.append(data, now)
        self.queries.output(self.journal.head, now.boot)
        if written:
            self._listener.session_grew(self, written)
            self.awaits_echo = False
        if self.journal.first != first:
            self._listener.session_lost_bytes(self)
        if written < len(data):
            self.held = data[written:]
            self._watch(self._events & ~READ)
            self._listener.disk_is_full(self)

    def _hung_up(self) -> None:
        """Nobody holds the other end. While the leader lives it may come back, so its terminal is kept."""
        if self.is_running:
            self._watch(0)
            if self._reopen is None:
                self._reopen = self._loop.call_after(REOPEN_SECONDS, self._look_again)
        else:
            self.close_terminal()

    def _look_again(self) -> None:
        self._reopen = None
        if self.master >= 0:
            self.begin()

    # Input

    def submit(self, block: Block) -> None:
        """Decide a block now or later; its waiters hear of it once."""
        decided = self.decisions.get(block.request)
        if decided is not None:
            self._listener.block_decided(block.waiters, decided)
            return
        queued = self.inputs.find(block.request)
        if queued is not None:
            queued.waiters += block.waiters
            return
        if self.state is not SessionState.RUNNING:
            self._decide(block, Refused.NOT_RUNNING)
        elif not self.inputs.push(block):
            self._decide(block, Refused.BUSY)
        else:
            self._overtake(block)
            self.write_inputs()

    def write_inputs(self) -> None:
        """Write blocks until the kernel takes no more."""
        while self.inputs and self.master >= 0:
            block = self.inputs.first
            if block.written is None:
                refusal = self._admit(block)
                if self.master < 0:
                    return
                if refusal is not None:
                    self.inputs.remove(block)
                    self._decide(block, refusal)
                    continue
                block.written = 0
            try:
                block.written += os.write(self.master, block.data[block.written :])
            except BlockingIOError:
                break
            except OSError:
                self._hung_up()
                return
            if block.written == len(block.data):
                self.inputs.remove(block)
                self._applied(block)
        if self.master >= 0:
            self._watch(self._events & ~WRITE | (WRITE if self.inputs else 0))

    def _admit(self, block: Block) -> Optional[Refused]:
        """Let `block` begin at this moment, or say why it may not."""
        drained = self.drain(READS_A_TURN if block.expect_head is None else DRAIN_READS)
        if self.master < 0:
            return Refused.GONE
        if block.expect_head is not None and (not drained or block.expect_head != self.journal.head):
            return Refused.DISK_FULL if self.held else Refused.CHANGED
        if block.query_offset is not None:
            refusal = self.queries.refusal(block.query_offset, clock.moment().boot)
            if refusal is not None:
                return refusal
        try:
            open_line = terminal.open_line_after(self.master, self.open_line, block.data)
        except OSError:
            return Refused.GONE
        if open_line < 0:
            return Refused.LINE_TOO_LONG
        self.open_line = open_line
        if block.query_offset is not None:
            self.queries.answered = block.query_offset
        return None

    def _overtake(self, block: Block) -> None:
        """An interrupt does not wait behind a block that the program has stopped to read."""
        stuck = self.inputs.first
        if stuck is block or stuck.written is None or not block.is_interrupt:
            return
        try:
            delivered = terminal.deliver_signal(self.master, block.data)
        except OSError:
            delivered = False
        if delivered:
            self.open_line = 0
            self.inputs.remove(stuck)
            self._decide(stuck, Refused.INTERRUPTED)
            self.inputs.remove(block)
            self._applied(block)

    def _applied(self, block: Block) -> None:
        self.input_seq += 1
        self.journal.note_input(self.input_seq, len(block.data), block.cause, clock.moment())
        self._tell(block, WriteResult(True, self.journal.head, "", self.input_seq))
        if block.is_key:
            self.awaits_echo = True

    def _decide(self, block: Block, refusal: Refused) -> None:
        self._tell(block, WriteResult(False, self.journal.head, refusal.value))

    def _tell(self, block: Block, result: WriteResult) -> None:
        self.decisions.add(block.request, result)
        self._listener.block_decided(block.waiters, result, block.is_key and result.applied)

    # Size and end

    def resize(self, columns: int, rows: int) -> int:
        """Change the size; returns the journal offset from which it counts."""
        self.drain()
        if self.master >= 0:
            terminal.set_size(self.master, columns, rows)
        self.meta = self.meta._replace(columns=columns, rows=rows)
        self.journal.note_resize(columns, rows, clock.moment())
        return self.journal.head

    def leader_ended(self, code: Optional[int], signal: Optional[int]) -> None:
        """The leader was reaped: record how, after what it had printed."""
        self.drain()
        self.exit = ExitStatus(code, signal, clock.wall())
        self.state = SessionState.EXITED if self.master >= 0 else SessionState.CLOSED
        try:
            write_exit(self.directory, ExitRecord(code, signal, self.exit.at, head=self.journal.head))
        except OSError as error:
            log(f"cannot record how {self.id} ended: {error.strerror}")
        self._refuse_inputs()
        self._listener.session_exited(self)
        if self.state is SessionState.CLOSED:
            self._is_complete()
        elif not self.held:
            self.begin()  # the end of the terminal shows by reading it

    def close_terminal(self) -> None:
        """Let go of the terminal; what the child had printed to it has been read."""
        if self.master < 0:
            return
        self._release_terminal()
        self._refuse_inputs()
        if self.exit is not None:
            self.state = SessionState.CLOSED
            self._is_complete()

    def _is_complete(self) -> None:
        """Leader and terminal are gone; what a full disk still keeps from the journal follows."""
        if not self.held:
            self.journal.close()
            self._listener.session_closed(self)

    def abandon(self) -> None:
        """Let go of everything without a word: the program never ran."""
        self._release_terminal()
        self.state = SessionState.CLOSED
        self.journal.close()

    def _release_terminal(self) -> None:
        if self.master >= 0:
            self._loop.forget(self.master)
            os.close(self.master)
            self.master = -1
        self._events = 0
        if self._reopen is not None:
            self._reopen.cancel()

    def _refuse_inputs(self) -> None:
        for block in list(self.inputs):
            self.inputs.remove(block)
            self._decide(block, Refused.GONE)

    def _watch(self, events: int) -> None:
        if self.master >= 0 and events != self._events:
            self._events = events
            self._loop.watch(self.master, events, self._ready, bulk=True)

    def _ready(self, events: int) -> None:
        if events & READ:
            self.drain(READS_A_TURN, surely=False)
        if events & WRITE and self.inputs:
            self.write_inputs()
