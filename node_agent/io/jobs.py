"""Job attempts on this node: recorded before they start, so that an answer about one is true whatever died since."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, MutableMapping, Optional, Set
from weakref import WeakValueDictionary

from node_agent.core.job_starts import Start, StartRefused, admit, request_of
from node_agent.io.agent import Agent
from node_agent.io.environment import directory_named
from node_agent.io.live_session import LiveSession
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.jobs import Fenced

KEPT_SECONDS = 90 * 86400.0
"""How long attempts are remembered; no dispatcher repeats a start after so long."""

_LEAST_KEPT = 86400.0
"""Seconds for which nothing that has just been made is taken for left over."""

_OWN = ".files"
_FILE_THREADS = 4
_DIRECTORY_LIMIT = 5.0
"""Seconds a directory may take to be looked at: on a dead file server it would be for ever."""

OUTPUT_LIMIT = 64 * 1024
"""Bytes of an output file that are read."""


class Jobs:
    """What this node knows of attempts. All that concerns one job is done in its `turn`."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._turns: MutableMapping[str, asyncio.Lock] = WeakValueDictionary()
        self.threads = ThreadPoolExecutor(_FILE_THREADS, "job files")  # a dead file server holds up files alone

    def turn(self, job: str) -> asyncio.Lock:
        return self._turns.setdefault(job, asyncio.Lock())

    def output_file(self, job: str, token: int) -> Path:
        """Where an attempt writes values for those that need them."""
        directory = self._directory
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory / f"{job}-{token}"

    def own_directory(self, job: str, token: int) -> Path:
        """The directory of an attempt whose submitter named none; made here, removed some time after its session."""
        directory = self._directory / f"{job}-{token}{_OWN}"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory

    async def directory(self, job: str, token: int, wanted: str) -> Path:
        """Where an attempt's relative paths begin; raises RequestError."""
        if not wanted:
            return self.own_directory(job, token)
        path = Path(directory_named(wanted))
        look = asyncio.get_running_loop().run_in_executor(self.threads, path.is_dir)
        try:
            is_there = await asyncio.wait_for(look, _DIRECTORY_LIMIT)
        except asyncio.TimeoutError:
            raise RequestError(ErrorCode.CWD_HANGS, f"{path} does not answer: is its file server there?") from None
        if not (path.is_absolute() and is_there):
            raise RequestError(ErrorCode.CWD_MISSING, f"there is no directory {path} on this node")
        return path

    async def drop_directories(self) -> None:
        """Remove what attempts left whose sessions are gone."""
        kept = {f"{session.model.job}-{session.model.token}" for session in self._agent.sessions.values()}
        before = self._agent.clock.now().wall - _LEAST_KEPT
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.threads, _drop_left_over, self._directory, kept, before)

    @property
    def _directory(self) -> Path:
        return self._agent.paths.state / "jobs"

    async def admit(self, job: str, token: int) -> Optional[LiveSession]:
        """The session an attempt runs in, or None to start it now: that it may start is then on disk.

        Raises RequestError for an attempt that must not start.
        """
        wall = self._agent.clock.now().wall

        def write(connection: sqlite3.Connection) -> List[Start]:
            known = _known(connection, job)
            name = admit(job, token, known)
            if not name:
                _add(connection, job, token, wall)
            return known

        try:
            known: List[Start] = await self._agent.write(write)
        except StartRefused as refused:
            raise RequestError(ErrorCode.REFUSED, str(refused)) from refused
        for start in known:
            session = await self._session(job, start)
            if start.token == token and start.session and session is None:
                raise RequestError(ErrorCode.NO_SESSION, f"the session of job {job} has been removed")
            if start.token == token:
                return session
            if session is not None and not session.model.has_ended:
                raise RequestError(
                    ErrorCode.STILL_RUNNING, f"an earlier attempt of job {job} still runs here: {session.model.id}"
                )
        return None

    async def started(self, job: str, token: int, session: str) -> None:
        """Record which session an attempt runs in."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE job_starts SET session = ? WHERE job = ? AND token = ?", (session, job, token))

        await self._agent.write(write)

    async def fence(self, job: str, token: int) -> Fenced:
        """Refuse the attempt and all before it from now on; whether it was started."""
        wall = self._agent.clock.now().wall

        def write(connection: sqlite3.Connection) -> List[Start]:
            known = _known(connection, job)
            _add(connection, job, token, wall)
            connection.execute("UPDATE job_starts SET is_fenced = 1 WHERE job = ? AND token <= ?", (job, token))
            return known

        known: List[Start] = await self._agent.write(write)
        start = next((start for start in known if start.token == token), Start(token, "", False))
        session = await self._session(job, start)
        if session is None:
            return Fenced(bool(start.session))
        return Fenced(True, session.model.info(self._agent.clock.now()))

    async def _session(self, job: str, start: Start) -> Optional[LiveSession]:
        """An attempt's session. The keeper knows one that an agent started and died before it could record it."""
        name = start.session
        if not name:
            wanted = request_of(job, start.token)
            name = next((record.id for record in await self._agent.keeper.list() if record.request == wanted), "")
        return self._agent.sessions.get(SessionId(name))


def _drop_left_over(directory: Path, kept: Set[str], before: float) -> None:
    for path in directory.glob("*"):
        try:
            if path.name.replace(_OWN, "") in kept or path.stat().st_mtime > before:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue  # the next time


def drop_old(connection: sqlite3.Connection, wall: float) -> None:
    connection.execute("DELETE FROM job_starts WHERE wall < ?", (wall - KEPT_SECONDS,))


def _known(connection: sqlite3.Connection, job: str) -> List[Start]:
    rows = connection.execute("SELECT token, session, is_fenced FROM job_starts WHERE job = ? ORDER BY token", (job,))
    return [Start(token, session, bool(is_fenced)) for token, session, is_fenced in rows]


def _add(connection: sqlite3.Connection, job: str, token: int, wall: float) -> None:
    connection.execute("INSERT OR IGNORE INTO job_starts (job, token, wall) VALUES (?, ?, ?)", (job, token, wall))
