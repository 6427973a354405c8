"""Job attempts on this node: recorded before they start, so that an answer about one is true whatever died since."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import List, MutableMapping, Optional
from weakref import WeakValueDictionary

from node_agent.core.job_starts import Start, StartRefused, admit, request_of
from node_agent.io.agent import Agent
from node_agent.io.live_session import LiveSession
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.jobs import Fenced

KEPT_SECONDS = 90 * 86400.0
"""How long attempts are remembered; no dispatcher repeats a start after so long."""

OUTPUT_LIMIT = 64 * 1024
"""Bytes of an output file that are read."""


class Jobs:
    """What this node knows of attempts. All that concerns one job is done in its `turn`."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._turns: MutableMapping[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, job: str) -> asyncio.Lock:
        return self._turns.setdefault(job, asyncio.Lock())

    def output_file(self, job: str, token: int) -> Path:
        """Where an attempt writes values for those that need them."""
        directory = self._agent.paths.state / "jobs"
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory / f"{job}-{token}"

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


def drop_old(connection: sqlite3.Connection, wall: float) -> None:
    connection.execute("DELETE FROM job_starts WHERE wall < ?", (wall - KEPT_SECONDS,))


def _known(connection: sqlite3.Connection, job: str) -> List[Start]:
    rows = connection.execute("SELECT token, session, is_fenced FROM job_starts WHERE job = ? ORDER BY token", (job,))
    return [Start(token, session, bool(is_fenced)) for token, session, is_fenced in rows]


def _add(connection: sqlite3.Connection, job: str, token: int, wall: float) -> None:
    connection.execute("INSERT OR IGNORE INTO job_starts (job, token, wall) VALUES (?, ?, ?)", (job, token, wall))
