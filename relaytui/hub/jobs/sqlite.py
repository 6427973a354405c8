"""The default queue: one SQLite file of the hub's, in WAL mode with every commit on disk."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from relaytui.hub.jobs.doorbell import Doorbell
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.sql import SqlQueue
from relaytui.hub.jobs.sql_schema import SCHEMA_VERSION, Dialect, statements_from

T = TypeVar("T")

_DIALECT = Dialect(serial="INTEGER PRIMARY KEY AUTOINCREMENT", blob="BLOB")


class SqliteQueue(SqlQueue):
    """A `JobQueue` on one file, which several processes may open; writers take turns."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._doorbell = Doorbell(path.with_name(f"{path.name}.waiting"))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
        except (OSError, sqlite3.Error) as error:
            raise _cannot_open(path, error) from error
        try:
            path.chmod(0o600)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._run(self._migrate)
            self._doorbell.listen()
        except (OSError, sqlite3.Error) as error:
            self._db.close()
            raise _cannot_open(path, error) from error
        except QueueError:
            self._db.close()
            raise

    def _disconnect(self) -> None:
        self._doorbell.close()
        self._db.close()

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise QueueError("the job queue was written by a newer relaytui; upgrade this one")
        if version < SCHEMA_VERSION:
            for statement in statements_from(version, _DIALECT):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._db.execute(statement, values)

    def _before_event(self) -> None:
        """Nothing to do: writers take turns from BEGIN IMMEDIATE on."""

    def _transact(self, work: Callable[[], T]) -> T:
        before = self._db.total_changes
        try:
            self._db.execute("BEGIN IMMEDIATE")
            result = work()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise QueueError(
                f"the job queue {self._path} cannot be used: {error}; is there room and may it be written?"
            ) from error
        finally:  # whatever ended the work, its transaction may not stay open; on a full disk SQLite has ended it
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell of
                    self._db.execute("ROLLBACK")
        if self._db.total_changes != before:
            with contextlib.suppress(OSError):  # it is done: others look by themselves, if later
                self._doorbell.ring()
        return result

    def _wait(self, seconds: float) -> bool:
        try:
            return self._doorbell.wait(seconds)
        except OSError as error:
            raise QueueError(f"cannot wait at {self._path}: {error}; is there room and may it be written?") from error


def _cannot_open(path: Path, error: Exception) -> QueueError:
    return QueueError(f"cannot open the job queue {path}: {error}; name another file or a PostgreSQL URL in the config")
