"""The sessions of a state directory as they stand on disk: ids, directories, and what earlier keepers left."""

from __future__ import annotations

import os
from typing import Callable, Dict, NamedTuple, Set

from node_agent.journal.meta import ExitRecord, SessionMeta, read_exit, read_meta, write_exit
from node_agent.journal.retention import Holding
from node_agent.journal.segments import list_segments
from node_agent.keeper.clock import wall
from node_agent.keeper.control import ExitStatus, SessionRecord
from node_agent.protocol.states import SessionState

KEEPER_KILLED = "keeper killed"
REBOOT = "reboot"


class Past(NamedTuple):
    """A session that has ended."""

    record: SessionRecord
    meta: SessionMeta

    @property
    def is_unseen_failure(self) -> bool:
        return not self.meta.seen and (self.record.exit is None or self.record.exit.code != 0)


class Catalogue:
    """Ids and directories below `<state>/sessions`."""

    def __init__(self, state: str) -> None:
        self._sessions = os.path.join(state, "sessions")
        self._counter = os.path.join(state, "next-session")
        os.makedirs(self._sessions, mode=0o700, exist_ok=True)

    def directory(self, session: str) -> str:
        return os.path.join(self._sessions, session)

    def new_number(self) -> int:
        """A number no session has had; written down before it is used. Raises OSError where that is not possible."""
        number = max(self._counted(), 1 + max(map(_number, os.listdir(self._sessions)), default=0))
        fd = os.open(self._counter, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, b"%020d\n" % (number + 1), 0)  # one width, so that it is replaced whole
        finally:
            os.close(fd)
        return number

    def find_past(self, living: Set[str], boot: str) -> Dict[str, Past]:
        """Every session on disk but the `living` ones; what has no exit record is lost, and that is recorded."""
        past = {}
        for name in sorted(os.listdir(self._sessions), key=_number):
            directory = self.directory(name)
            if name in living or not _number(name):
                continue
            meta = read_meta(directory)
            if meta is None:  # its keeper ended before it had started
                remove_tree(directory)
                continue
            if read_exit(directory) is None:
                reason = KEEPER_KILLED if meta.boot == boot else REBOOT
                write_exit(directory, ExitRecord(at=wall(), reason=reason, head=_head(directory)))
            past[name] = read_past(directory, meta)
        return past

    def _counted(self) -> int:
        try:
            with open(self._counter, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return 1


def session_id(number: int) -> str:
    return f"s{number}"


def read_past(directory: str, meta: SessionMeta) -> Past:
    """An ended session as its directory tells of it."""
    found = list_segments(directory)
    status = read_exit(directory) or ExitRecord()
    record = SessionRecord(
        id=meta.id,
        state=SessionState.LOST if status.reason else SessionState.CLOSED,
        pid=0,
        head=found[-1].end if found else status.head,
        first=found[0].base if found else status.head,
        columns=meta.columns,
        rows=meta.rows,
        started=meta.started,
        request=meta.request,
        input_seq=0,
        exit=ExitStatus(status.code, status.signal, status.at, status.reason),
    )
    return Past(record, meta)


def past_holding(past: Past, directory: str) -> Holding:
    found = list_segments(directory)
    return Holding(
        past.record.id,
        closed=sum(segment.cost for segment in found[:-1]),
        active=found[-1].cost if found else 0,
        ended=past.record.exit.at if past.record.exit else 0.0,
        unseen_failure=past.is_unseen_failure,
    )


def remove_tree(directory: str) -> None:
    """Remove a directory and all in it; what is gone already is no error."""
    for path, directories, files in os.walk(directory, topdown=False):
        for name in files:
            _try_remove(os.unlink, os.path.join(path, name))
        for name in directories:
            _try_remove(os.rmdir, os.path.join(path, name))
    _try_remove(os.rmdir, directory)


def _try_remove(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except OSError:
        pass


def _number(name: str) -> int:
    """The number in a session's id, 0 for a name that is none."""
    return int(name[1:]) if name[:1] == "s" and name[1:].isdigit() else 0


def _head(directory: str) -> int:
    found = list_segments(directory)
    return found[-1].end if found else 0
