"""The queue's tables on either backend, and how an older database becomes a newer one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Dialect(NamedTuple):
    """What the backends write differently."""

    serial: str  # a column that numbers rows, never reusing a number
    blob: str


_MIGRATIONS = (
    """
CREATE TABLE jobs (
    n {serial},
    id TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    submitted DOUBLE PRECISION NOT NULL,
    changed DOUBLE PRECISION NOT NULL,
    not_before DOUBLE PRECISION NOT NULL DEFAULT 0,
    queue_until DOUBLE PRECISION,
    attempt INTEGER NOT NULL DEFAULT 0,
    token BIGINT NOT NULL DEFAULT 0,
    node TEXT NOT NULL DEFAULT '',
    session TEXT NOT NULL DEFAULT '',
    holder TEXT NOT NULL DEFAULT '',
    claim_until DOUBLE PRECISION NOT NULL DEFAULT 0,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    code INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    waited DOUBLE PRECISION NOT NULL DEFAULT 0,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    outputs TEXT NOT NULL DEFAULT '{{}}'
);
CREATE INDEX jobs_queued ON jobs (priority DESC, n) WHERE state = 'queued';
CREATE INDEX jobs_held ON jobs (holder) WHERE state IN ('placed', 'starting', 'running', 'asking');
CREATE TABLE dependencies (
    job TEXT NOT NULL REFERENCES jobs (id),
    needs TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs)
);
CREATE TABLE attempts (
    job TEXT NOT NULL REFERENCES jobs (id),
    attempt INTEGER NOT NULL,
    token BIGINT NOT NULL UNIQUE,
    node TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    placed DOUBLE PRECISION NOT NULL,
    ended DOUBLE PRECISION,
    outcome TEXT NOT NULL DEFAULT '',
    code INTEGER,
    PRIMARY KEY (job, attempt)
);
CREATE TABLE job_events (
    n {serial},
    job TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX job_events_of ON job_events (job, n);
CREATE TABLE schedules (name TEXT PRIMARY KEY, last DOUBLE PRECISION NOT NULL);
CREATE TABLE tokens (last BIGINT NOT NULL);
INSERT INTO tokens VALUES (0)
""",
    """
CREATE INDEX jobs_on_node ON jobs (node) WHERE state IN ('placed', 'starting', 'running', 'asking');
CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    added DOUBLE PRECISION NOT NULL,
    is_whole INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE content_pieces (
    sha256 TEXT NOT NULL REFERENCES contents (sha256),
    n INTEGER NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (sha256, n)
);
CREATE TABLE job_files (
    job TEXT NOT NULL REFERENCES jobs (id),
    token BIGINT NOT NULL,
    way TEXT NOT NULL,
    path TEXT NOT NULL,
    local TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    is_executable INTEGER NOT NULL,
    PRIMARY KEY (job, way, token, path)
);
CREATE INDEX job_files_of_content ON job_files (sha256)
""",
    """
ALTER TABLE jobs ADD COLUMN node_uuid TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_on_node_uuid ON jobs (node_uuid) WHERE state IN ('placed', 'starting', 'running', 'asking')
""",
    """
ALTER TABLE jobs ADD COLUMN copy_of TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_copied ON jobs (copy_of) WHERE copy_of != ''
""",
)
"""One script a version: script i brings a database from version i to i + 1. Scripts that were released never change."""

SCHEMA_VERSION = len(_MIGRATIONS)


def statements_from(version: int, dialect: Dialect) -> Iterator[str]:
    """What brings a database of `version` to `SCHEMA_VERSION`, one statement after the other."""
    for script in _MIGRATIONS[version:]:
        yield from script.format(**dialect._asdict()).split(";")
