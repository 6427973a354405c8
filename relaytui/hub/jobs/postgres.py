"""The queue on PostgreSQL, for several hubs or operators: row locks for claims, LISTEN/NOTIFY for waking."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.sql import SqlQueue
from relaytui.hub.jobs.sql_schema import SCHEMA_VERSION, Dialect, statements_from

T = TypeVar("T")

_DIALECT = Dialect(serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", blob="BYTEA")
_CHANNEL = "relaytui_jobs"
_SCHEMA_LOCK = 7_385_019_001  # advisory locks of ours: any constants unlikely to be another program's
_EVENT_LOCK = 7_385_019_002
_RETRY_SECONDS = (0.0, 0.1, 0.3, 1.0, 2.0)
"""Pauses before a transaction is tried again after its connection was lost."""


class PostgresQueue(SqlQueue):
    """A `JobQueue` on a database; a lost connection is made again and its transaction repeated."""

    _lock = " FOR UPDATE SKIP LOCKED"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._db: psycopg.Connection[dict[str, Any]] | None = None
        self._listener: psycopg.Connection[dict[str, Any]] | None = None
        self._run(self._migrate)

    def _disconnect(self) -> None:
        for connection in (self._db, self._listener):
            if connection is not None:
                connection.close()
        self._db = self._listener = None

    def _migrate(self) -> None:
        self._execute("SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,))
        self._execute("CREATE TABLE IF NOT EXISTS relaytui_schema (version INTEGER NOT NULL)")
        row = self._execute("SELECT max(version) AS version FROM relaytui_schema").fetchone()
        version = (row or {}).get("version") or 0
        if version > SCHEMA_VERSION:
            raise QueueError("the job queue was written by a newer relaytui; upgrade this one")
        if version < SCHEMA_VERSION:
            for statement in statements_from(version, _DIALECT):
                self._execute(statement)
            self._execute("INSERT INTO relaytui_schema VALUES (?)", (SCHEMA_VERSION,))

    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(self._url, row_factory=dict_row, connect_timeout=5)
        return self._db

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[dict[str, Any]]:
        return self._connection().execute(statement.replace("?", "%s").encode(), values)

    def _before_event(self) -> None:
        """Held to the end of the transaction: a reader that saw event n has seen all before it."""
        self._execute("SELECT pg_advisory_xact_lock(?)", (_EVENT_LOCK,))
        self._execute(f"NOTIFY {_CHANNEL}")

    def _transact(self, work: Callable[[], T]) -> T:
        last: Exception | None = None
        for pause in _RETRY_SECONDS:
            time.sleep(pause)
            try:
                with self._connection().transaction():
                    return work()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                last = error
                self._drop_connection()
            except psycopg.Error as error:
                raise QueueError(f"the job queue's database refuses: {_reason(error)}; its log says more") from error
        reason = _reason(last) if last is not None else ""
        raise QueueError(f"the job queue's database does not answer: {reason}; is it running, is the URL right?")

    def _drop_connection(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def _wait(self, seconds: float) -> bool:
        """A lost connection counts as a change: nobody knows what was missed."""
        try:
            if self._listener is None or self._listener.closed:
                self._listener = psycopg.connect(self._url, row_factory=dict_row, autocommit=True, connect_timeout=5)
                self._listener.execute(f"LISTEN {_CHANNEL}".encode())
                return True
            return bool(list(self._listener.notifies(timeout=seconds, stop_after=1)))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            time.sleep(min(seconds, 1.0))
            return True


def _reason(error: Exception) -> str:
    """The first line of what the database said."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
