"""The keeper itself: sessions, connections, and who is told what.

Everything happens in one thread between two looks at the selector. No peer can slow a session: a peer is told the state
of the moment it can be told, and only a full disk stops the reading of a terminal.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from node_agent import __version__
from node_agent.journal.meta import SessionMeta, reserve_exit, write_meta
from node_agent.journal.writer import JournalWriter
from node_agent.keeper.agent_watch import AgentWatch
from node_agent.keeper.catalogue import Catalogue, Past, remove_tree, session_id
from node_agent.keeper.claim import asked_to_move
from node_agent.keeper.clock import boot_id, moment, wall
from node_agent.keeper.control import (
    Frame,
    KeeperInfo,
    Refused,
    SessionRecord,
    Spawned,
    SpawnRequest,
    WriteResult,
    exit_to_wire,
)
from node_agent.keeper.door import Door
from node_agent.keeper.endings import Endings
from node_agent.keeper.inputs import Waiter
from node_agent.keeper.log import log
from node_agent.keeper.loop import READ, Loop
from node_agent.keeper.news import News
from node_agent.keeper.peer import Peer
from node_agent.keeper.session import Session
from node_agent.keeper.spawn import Origin, start_child
from node_agent.keeper.starting import Starting
from node_agent.keeper.storage import Limits, Storage
from node_agent.protocol.states import SessionState

_DISK_RETRY = 0.25
_HOUSEKEEPING = 3600.0
_TERM_GRACE = 2.0


class Refusal(Exception):
    """A request is refused."""

    def __init__(self, code: Refused, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Config(NamedTuple):
    """What a keeper is started with."""

    state: str
    socket: str
    origin: Origin
    limits: Limits = Limits()


class Keeper:
    """One state directory's keeper. `handle` answers the frames of peers; see `requests`."""

    def __init__(
        self, config: Config, listener: socket.socket, lock: int, handle: Callable[[Keeper, Peer, Frame], None]
    ) -> None:
        self.config = config
        self.lock = lock
        self.epoch = 0
        self.started = wall()
        self.boot = boot_id()
        self.loop = Loop(lambda: self.news.spread())
        self.catalogue = Catalogue(config.state)
        self.sessions: Dict[str, Session] = {}
        self.past: Dict[str, Past] = {}
        self.door = Door(
            self.loop, listener, config.socket, lambda peer, frame: handle(self, peer, frame), self._peer_left
        )
        self.peers = self.door.peers
        self.news = News(self.loop, self.peers, self._fact, self._head)
        self.endings = Endings(self.loop)
        self.starting = Starting(self.loop, self._session_started, self._start_failed)
        self.storage = Storage(config.limits, self.catalogue, self.sessions, self.past, self._dropped)
        self.agent = AgentWatch(self.loop, self.peers.values)
        self.is_ending = False
        self._is_told_to_end = self._is_told_to_move = False
        self._requests: Dict[str, str] = {}
        self._last_housekeeping = self.loop.now()
        self._full: Set[str] = set()
        self._children: Dict[int, Callable[[int], None]] = {}
        self._wake_reader, self._wake_writer = os.pipe()

    @property
    def info(self) -> KeeperInfo:
        return KeeperInfo(os.getpid(), __version__, self.boot, self.started, self.epoch)

    def begin(self) -> None:
        """Take the signals and start to listen. Sessions of an earlier life are in `sessions` already."""
        for fd in (self._wake_reader, self._wake_writer):
            os.set_blocking(fd, False)
        self.take_signals()
        self.loop.watch(self._wake_reader, READ, lambda _: self._woken())
        self.door.open()
        self.past.update(self.catalogue.find_past(set(self.sessions), self.boot))
        for name, past in self.past.items():
            self._requests[past.record.request] = name
        for session in self.sessions.values():
            self._requests[session.meta.request] = session.id
        self.storage.expire()
        self.reap()

    def take_signals(self) -> None:
        """Have children's ends and a request to end wake the loop; ignore what a vanished terminal or peer sends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._note_end())
        signal.signal(signal.SIGUSR1, lambda *_: self._note_move())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])  # a new keeper's claim has blocked it
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)

    # Sessions

    def spawn(self, request: SpawnRequest, waiter: Waiter) -> Optional[Spawned]:
        """Start a session; None when the waiter is told later."""
        known = self._requests.get(request.request)
        if known is not None:
            session = self.sessions.get(known)
            if session is not None and self.starting.wait(session, waiter):
                return None
            return Spawned(known, session.pid if session else 0, repeated=True)
        if self.is_ending:
            raise Refusal(Refused.REFUSED, "the keeper is shutting down")
        self.storage.enforce()
        try:
            session, report = self._fork(request)
        except OSError as error:
            raise Refusal(Refused.START_FAILED, f"cannot start a session: {error.strerror or error}") from error
        self.sessions[session.id] = session
        self._requests[request.request] = session.id
        self.starting.add(session, request, report, waiter)
        session.begin()
        return None

    def forget(self, name: str) -> None:
        """Remove an ended session and its directory."""
        session = self.sessions.get(name)
        if session is not None:
            if session.is_running:
                raise Refusal(Refused.STILL_RUNNING, f"session {name} is still running; stop it first")
            session.close_terminal()
        past = self.past.pop(name, None)
        if past is None:
            raise Refusal(Refused.NO_SESSION, f"there is no session {name}")
        self._requests.pop(past.record.request, None)
        remove_tree(self.catalogue.directory(name))

    def shut_down(self, grace: float) -> None:
        """End all sessions, then the keeper."""
        log("shutting down")
        self.is_ending = True
        self.agent.end()
        for session in list(self.sessions.values()):
            self.endings.stop(session, grace)
        self._end_when_empty()

    def _fork(self, request: SpawnRequest) -> Tuple[Session, int]:
        number = self.catalogue.new_number()
        name = session_id(number)
        directory = self.catalogue.directory(name)
        env = {**request.env, "RELAY_SESSION": name}
        meta = SessionMeta(
            id=name,
            request=request.request,
            command=request.command,
            cwd=request.cwd,
            env_keys=tuple(sorted(env)),
            columns=request.columns,
            rows=request.rows,
            title=request.title,
            tags=request.tags,
            started=wall(),
            boot=self.boot,
            order=number,
        )
        os.mkdir(directory, 0o700)
        journal = None
        try:
            reserve_exit(directory)
            journal = JournalWriter(directory, cap=self.config.limits.cap)
            write_meta(directory, meta)
            child = start_child(request.command, request.cwd, env, request.columns, request.rows, self.config.origin)
        except OSError:
            if journal is not None:
                journal.close()
            remove_tree(directory)
            raise
        journal.note_resize(request.columns, request.rows, moment())
        return Session(meta, directory, child.pid, child.master, journal, self.loop, self), child.report

    def _session_started(self, session: Session, waiters: List[Waiter]) -> None:
        if session.exit is None:
            session.state = SessionState.RUNNING
        for waiter in waiters:
            self.reply(waiter, Spawned(session.id, session.pid)._asdict())

    def _start_failed(self, session: Session, waiters: List[Waiter], refused: Refused, message: str) -> None:
        self.sessions.pop(session.id, None)
        self.past.pop(session.id, None)
        self._requests.pop(session.meta.request, None)
        session.abandon()
        remove_tree(session.directory)
        for waiter in waiters:
            self.refuse(waiter, refused, message)

    # What becomes of sessions (session.Listener)

    def session_grew(self, session: Session, size: int) -> None:
        self.news.journal_grew(session.id, is_echo=session.awaits_echo)
        if session.awaits_echo:
            self.loop.hurry()
        self.storage.grew(size)

    def session_lost_bytes(self, session: Session) -> None:
        self._dropped(session.id)

    def session_exited(self, session: Session) -> None:
        self.news.tell_all("exited", session.id)

    def session_closed(self, session: Session) -> None:
        self.news.tell_all("closed", session.id)
        del self.sessions[session.id]
        self._full.discard(session.id)
        self.past[session.id] = Past(session.record, session.meta)
        if self.is_ending:
            self._end_when_empty()

    def block_decided(self, waiters: List[Waiter], result: WriteResult, is_patient: bool = False) -> None:
        for waiter in waiters:
            self.reply(waiter, result._asdict(), is_patient=is_patient)

    def disk_is_full(self, session: Session) -> None:
        if not self._full:
            log("the disk is full: children wait")
            self.news.tell_all("disk")
            self.loop.call_after(_DISK_RETRY, self._retry_disk)
        self._full.add(session.id)

    def _retry_disk(self) -> None:
        self.storage.enforce(room=1024 * 1024)
        for name in list(self._full):
            session = self.sessions.get(name)
            if session is None or session.disk_may_have_room():
                self._full.discard(name)
        if self._full:
            self.loop.call_after(_DISK_RETRY, self._retry_disk)
        else:
            log("the disk has room again")
            self.news.tell_all("disk")

    def _dropped(self, name: str) -> None:
        self.news.tell_all("dropped", name)

    # Peers

    def reply(self, waiter: Waiter, fields: Dict[str, Any], payload: bytes = b"", *, is_patient: bool = False) -> None:
        """Answer a request; whoever asked may have gone."""
        peer = self.peers.get(waiter.peer)
        if peer is not None:
            peer.send({"re": waiter.request, **fields}, payload, is_patient=is_patient)

    def refuse(self, waiter: Waiter, code: Refused, message: str) -> None:
        self.reply(waiter, {"error": code.value, "message": message})

    def greet(self, peer: Peer, epoch: int, watched: bool) -> None:
        """A peer says who it is. The newest agent's word counts; older ones may only read from then on."""
        if 0 < epoch < self.epoch:
            raise Refusal(Refused.FENCED, f"a newer agent is here (epoch {self.epoch}, this one {epoch})")
        if epoch > self.epoch:
            self.epoch = epoch
            for other in self.peers.values():
                if other.epoch:
                    other.epoch = 0
                    other.watched = False
                    self.news.tell(other, "fenced")
        peer.epoch = epoch
        peer.watched = watched and epoch > 0
        self.agent.peers_changed()

    def _peer_left(self) -> None:
        self.agent.peers_changed()

    def _fact(self, name: str, session: str) -> Optional[Dict[str, Any]]:
        """What a notice says at this moment, or None when it has nothing to say any more."""
        if name == "disk":
            return {"full": bool(self._full)}
        if name == "fenced":
            return {"epoch": self.epoch}
        record = self._record(session)
        if record is None:
            return None
        if name == "exited":
            return {"session": session, "head": record.head, "exit": exit_to_wire(record.exit)}
        if name == "dropped":
            return {"session": session, "first": record.first}
        return {"session": session, "head": record.head}

    def _record(self, name: str) -> Optional[SessionRecord]:
        if name in self.sessions:
            return self.sessions[name].record
        return self.past[name].record if name in self.past else None

    def _head(self, name: str) -> Optional[int]:
        session = self.sessions.get(name)
        if session is not None:
            return session.journal.head
        return self.past[name].record.head if name in self.past else None

    # Children and housekeeping

    def when_reaped(self, pid: int, call: Callable[[int], None]) -> None:
        """Have `call` hear the exit status of a child that is no session's leader."""
        self._children[pid] = call

    def reap(self) -> None:
        """Collect every child that has ended."""
        leaders = {session.pid: session for session in self.sessions.values() if session.is_running}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            call = self._children.pop(pid, None)
            if pid in leaders:
                self._leader_ended(leaders[pid], status)
            elif call is not None:
                call(status)
            else:
                self.agent.reaped(pid, status)

    def _leader_ended(self, session: Session, status: int) -> None:
        self.starting.settle(session)
        if session.id not in self.sessions:  # its program never ran
            return
        if os.WIFSIGNALED(status):
            session.leader_ended(None, os.WTERMSIG(status))
        else:
            session.leader_ended(os.WEXITSTATUS(status), None)

    def keep_house(self) -> None:
        """Let old sessions expire, at most once an hour; called when something else has woken the keeper."""
        if self.loop.now() - self._last_housekeeping > _HOUSEKEEPING:
            self._last_housekeeping = self.loop.now()
            self.storage.expire()

    def _woken(self) -> None:
        try:
            os.read(self._wake_reader, 4096)
        except BlockingIOError:
            pass
        if self._is_told_to_end and not self.is_ending:
            self.shut_down(_TERM_GRACE)
        if self._is_told_to_move:
            self._is_told_to_move = False
            self.door.move(asked_to_move(self.config.state))
        self.reap()
        self.keep_house()

    def _note_end(self) -> None:
        self._is_told_to_end = True

    def _note_move(self) -> None:
        self._is_told_to_move = True

    def _end_when_empty(self) -> None:
        if not self.sessions:
            self.loop.stopped = True
