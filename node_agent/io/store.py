"""The event store: one SQLite database a state directory, written by one thread that commits in groups.

A write is a function that gets the connection; all writes that wait when the thread comes round are committed in one
transaction, and their callers go on once it is on disk. It knows nothing of what events mean.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple, TypeVar

from node_agent.io.store_schema import NewerStoreError, check_version, migrate

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]
_Job = Tuple[Write[Any], "Future[Any]"]

MOST_IN_ONE_COMMIT = 256
MOST_WAITING = 20_000


class StoreError(Exception):
    """The store cannot be written or read; the message is one line."""


class FencedError(StoreError):
    """A newer agent has opened this store: this one must not write any more."""


class Store:
    """The database of one agent. `open` raises StoreError; so do writes and reads that fail."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.Queue[Optional[_Job]] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._opened: Future[None] = Future()
        self._is_closed = False
        self.uuid = ""
        self.store_id = ""
        self.epoch = 0

    async def open(self) -> None:
        """Open or make the database and begin a new epoch in it."""
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    async def close(self) -> None:
        """Commit what waits and close the database."""
        if self._is_closed:
            return
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def write(self, function: Write[T]) -> T:
        """Run `function` in the next transaction and return its result once that is on disk."""
        result: Future[T] = Future()
        if self._is_closed:
            raise StoreError("the event store is closed")
        try:
            self._jobs.put_nowait((function, result))
        except queue.Full as error:
            raise StoreError("the disk under the event store is too slow: writes are refused") from error
        return await asyncio.wrap_future(result)

    read = write
    """Reads go through the same thread, after the writes that came before them."""

    def _run(self) -> None:
        try:
            connection = self._connect()
        except (sqlite3.Error, OSError, NewerStoreError) as error:
            self._opened.set_exception(StoreError(f"cannot open the event store {self._path}: {error}"))
            return
        except Exception as error:  # noqa: BLE001 - this thread's supervisor: the opener waits for the outcome
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while self._commit_next(connection):
                pass
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(str(self._path), isolation_level=None, timeout=10.0)
        try:
            check_version(connection)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            migrate(connection)
            connection.execute("BEGIN IMMEDIATE")
            self.uuid = _read_or_make(connection, "uuid")
            self.store_id = _read_or_make(connection, "store")
            self.epoch = 1 + int(_read_meta(connection, "epoch") or 0)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", (str(self.epoch),))
            connection.execute("COMMIT")
        except BaseException:  # whatever it was, the thread has no connection to close
            connection.close()
            raise
        return connection

    def _commit_next(self, connection: sqlite3.Connection) -> bool:
        """Commit one group of jobs; False when the store is to be closed."""
        jobs = [self._jobs.get()]
        while len(jobs) < MOST_IN_ONE_COMMIT and not self._jobs.empty():
            jobs.append(self._jobs.get())
        waiting = [job for job in jobs if job is not None]
        if waiting:
            self._commit(connection, waiting)
        return None not in jobs

    def _check_epoch(self, connection: sqlite3.Connection) -> None:
        if _read_meta(connection, "epoch") != str(self.epoch):
            raise FencedError("a newer node agent has taken over this state directory")

    def _commit(self, connection: sqlite3.Connection, jobs: List[_Job]) -> None:
        outcomes: List[Tuple[Future[Any], Any, Optional[Exception]]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._check_epoch(connection)
            for function, future in jobs:
                outcomes.append((future, *_run_one(connection, function)))
            connection.execute("COMMIT")
        except (sqlite3.Error, FencedError) as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = error if isinstance(error, FencedError) else StoreError(f"the event store failed: {error}")
            outcomes = [(future, None, failure) for _, future in jobs]
        for future, value, exception in outcomes:
            if not future.set_running_or_notify_cancel():
                continue
            if exception is None:
                future.set_result(value)
            else:
                future.set_exception(exception)


def _run_one(connection: sqlite3.Connection, function: Write[Any]) -> Tuple[Any, Optional[Exception]]:
    """One job inside a savepoint, so that its failure leaves the others of its group alone."""
    connection.execute("SAVEPOINT job")
    try:
        value = function(connection)
    except sqlite3.OperationalError:
        raise  # the disk or the database, not this job: the whole group fails
    except Exception as error:  # noqa: BLE001 - this thread's supervisor: the job's caller gets the error
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return value, None


def _read_meta(connection: sqlite3.Connection, key: str) -> Optional[str]:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def _read_or_make(connection: sqlite3.Connection, key: str) -> str:
    """The identity under `key`, made once and kept for ever."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, str(uuid.uuid4())))
    value = _read_meta(connection, key)
    assert value is not None
    return value
