"""The event store's tables and how an older database becomes a newer one."""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 4

_MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE events (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        session TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boot REAL NOT NULL,
        wall REAL NOT NULL,
        data TEXT NOT NULL
    );
    CREATE INDEX events_by_session ON events (session, n);
    CREATE TABLE asks (
        id TEXT PRIMARY KEY,
        session TEXT NOT NULL,
        identity TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boot REAL NOT NULL,
        wall REAL NOT NULL,
        info TEXT NOT NULL,
        is_open INTEGER NOT NULL
    );
    CREATE INDEX asks_open ON asks (is_open, session);
    CREATE TABLE cursors (
        session TEXT PRIMARY KEY,
        journal_offset INTEGER NOT NULL,
        detector TEXT NOT NULL
    );
    CREATE TABLE deaths (
        session TEXT PRIMARY KEY,
        journal_offset INTEGER NOT NULL,
        is_quarantined INTEGER NOT NULL
    );
    """,
    """
    ALTER TABLE asks ADD COLUMN marks TEXT NOT NULL DEFAULT '{}';
    CREATE TABLE settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE TABLE answers (
        request TEXT PRIMARY KEY,
        wall REAL NOT NULL,
        body TEXT NOT NULL
    );
    CREATE TABLE alerts (
        key TEXT PRIMARY KEY,
        n INTEGER NOT NULL,
        session TEXT NOT NULL,
        ask TEXT NOT NULL,
        wall REAL NOT NULL,
        is_open INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX alerts_in_order ON alerts (n);
    CREATE INDEX alerts_open ON alerts (is_open, n);
    """,
    """
    CREATE TABLE job_starts (
        job TEXT NOT NULL,
        token INTEGER NOT NULL,
        session TEXT NOT NULL DEFAULT '',
        is_fenced INTEGER NOT NULL DEFAULT 0,
        wall REAL NOT NULL,
        PRIMARY KEY (job, token)
    );
    """,
    """
    CREATE TABLE restarts (
        session TEXT PRIMARY KEY,
        plan TEXT NOT NULL
    );
    """,
)
"""One script a version: script i brings a database from version i to i + 1. Scripts that were released never change."""


class NewerStoreError(Exception):
    """The database was written by a newer agent."""


def check_version(connection: sqlite3.Connection) -> int:
    """The database's version; raises NewerStoreError when it is beyond `SCHEMA_VERSION`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NewerStoreError(
            f"the event store has version {version}, this node agent knows {SCHEMA_VERSION}: start the newer agent"
        )
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to `SCHEMA_VERSION`; raises NewerStoreError when it is beyond it."""
    for target in range(check_version(connection), SCHEMA_VERSION):
        connection.executescript(f"BEGIN IMMEDIATE; {_MIGRATIONS[target]} PRAGMA user_version = {target + 1}; COMMIT;")
