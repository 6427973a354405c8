"""The default queue: one SQLite file of the hub's, in WAL mode with every commit on disk."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relaytui.hub.jobs.model import Attempt, Job, JobEvent, JobSpec
from relaytui.hub.jobs.queue import CLAIM_SECONDS, NoSuchJob, QueueError
from relaytui.hub.jobs.states import ATTEMPTING, FINAL, JobState, check_transition

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE jobs (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    submitted REAL NOT NULL,
    changed REAL NOT NULL,
    not_before REAL NOT NULL DEFAULT 0,
    queue_until REAL,
    attempt INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    node TEXT NOT NULL DEFAULT '',
    session TEXT NOT NULL DEFAULT '',
    holder TEXT NOT NULL DEFAULT '',
    claim_until REAL NOT NULL DEFAULT 0,
    started REAL,
    ended REAL,
    code INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    waited REAL NOT NULL DEFAULT 0,
    cancel_asked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_queued ON jobs (priority DESC, n) WHERE state = 'queued';
CREATE INDEX jobs_held ON jobs (holder) WHERE state IN ('placed', 'starting', 'running', 'asking');
CREATE TABLE dependencies (
    job TEXT NOT NULL REFERENCES jobs (id),
    needs TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs)
) WITHOUT ROWID;
CREATE TABLE attempts (
    job TEXT NOT NULL REFERENCES jobs (id),
    attempt INTEGER NOT NULL,
    token INTEGER NOT NULL UNIQUE,
    node TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '',
    placed REAL NOT NULL,
    ended REAL,
    outcome TEXT NOT NULL DEFAULT '',
    code INTEGER,
    PRIMARY KEY (job, attempt)
) WITHOUT ROWID;
CREATE TABLE job_events (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX job_events_of ON job_events (job, n);
CREATE TABLE tokens (last INTEGER NOT NULL);
INSERT INTO tokens VALUES (0);
"""

_COLUMNS = (
    "id, spec, state, submitted, changed, not_before, attempt, token, node, session, holder, claim_until,"
    " started, ended, code, reason, waited, cancel_asked"
)
_ATTEMPTING = ", ".join(f"'{state}'" for state in sorted(ATTEMPTING))
_UNMET = (
    "SELECT 1 FROM dependencies d JOIN jobs need ON need.id = d.needs WHERE d.job = jobs.id AND need.state != 'done'"
)


class SqliteQueue:
    """A `JobQueue` on one file; several processes may open it."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            path.chmod(0o600)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise QueueError(
                f"cannot open the job queue {path}: {error}; set another [jobs] queue in the config"
            ) from error
        self._version = self._data_version()
        self._changed = threading.Condition()

    def close(self) -> None:
        self._db.close()

    def _migrate(self) -> None:
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _SCHEMA_VERSION:
                raise QueueError("the job queue was written by a newer relaytui; upgrade this one")
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        if hasattr(self, "_changed"):
            with self._changed:
                self._changed.notify_all()

    def submit(self, spec: JobSpec, now: float) -> Job:
        with self._transaction():
            for need in spec.after:
                self._row(need)
            identity = self._new_id()
            self._db.execute(
                "INSERT INTO jobs (id, spec, state, priority, submitted, changed, queue_until)"
                " VALUES (?, ?, 'queued', ?, ?, ?, ?)",
                (
                    identity,
                    spec.to_json(),
                    spec.priority,
                    now,
                    now,
                    now + spec.queue_limit if spec.queue_limit else None,
                ),
            )
            self._db.executemany(
                "INSERT INTO dependencies (job, needs) VALUES (?, ?)", [(identity, need) for need in set(spec.after)]
            )
            self._record(identity, now, JobState.QUEUED, "submitted")
            return _job(self._row(identity))

    def _new_id(self) -> str:
        while True:
            identity = secrets.token_hex(3)
            if not self._db.execute("SELECT 1 FROM jobs WHERE id = ?", (identity,)).fetchone():
                return identity

    def get(self, job: str) -> Job:
        return _job(self._row(job))

    def _row(self, job: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job,)).fetchone()
        if row is None:
            raise NoSuchJob(job)
        return row

    def jobs(self, states: Sequence[JobState] = (), limit: int = 10_000) -> list[Job]:
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._select(f"{where} ORDER BY n DESC LIMIT ?", (*states, limit))

    def _select(self, tail: str, values: Sequence[Any] = ()) -> list[Job]:
        return [_job(row) for row in self._db.execute(f"SELECT {_COLUMNS} FROM jobs {tail}", values)]

    def ready(self, now: float, limit: int = 100) -> list[Job]:
        return self._select(
            f"WHERE state = 'queued' AND not_before <= ? AND NOT EXISTS ({_UNMET}) ORDER BY priority DESC, n LIMIT ?",
            (now, limit),
        )

    def held(self, holder: str) -> list[Job]:
        return self._select(f"WHERE state IN ({_ATTEMPTING}) AND holder = ? ORDER BY n", (holder,))

    def place(self, job: str, node: str, holder: str, now: float) -> Job | None:
        with self._transaction():
            row = self._row(job)
            if row["state"] != JobState.QUEUED:
                return None
            token = self._db.execute("UPDATE tokens SET last = last + 1 RETURNING last").fetchone()[0]
            self._db.execute(
                "UPDATE jobs SET state = 'placed', attempt = attempt + 1, token = ?, node = ?, session = '',"
                " holder = ?, claim_until = ?, changed = ?, reason = '' WHERE id = ?",
                (token, node, holder, now + CLAIM_SECONDS, now, job),
            )
            self._db.execute(
                "INSERT INTO attempts (job, attempt, token, node, placed) VALUES (?, ?, ?, ?, ?)",
                (job, row["attempt"] + 1, token, node, now),
            )
            self._record(job, now, JobState.PLACED, f"on {node}")
            return _job(self._row(job))

    def renew(self, holder: str, now: float) -> int:
        with self._transaction():
            return self._db.execute(
                f"UPDATE jobs SET claim_until = ? WHERE state IN ({_ATTEMPTING}) AND holder = ?",
                (now + CLAIM_SECONDS, holder),
            ).rowcount

    def adopt(self, holder: str, now: float) -> list[Job]:
        with self._transaction():
            rows = self._db.execute(
                f"UPDATE jobs SET holder = ?, claim_until = ? WHERE state IN ({_ATTEMPTING}) AND claim_until < ?"
                f" RETURNING {_COLUMNS}",
                (holder, now + CLAIM_SECONDS, now),
            ).fetchall()
            return [_job(row) for row in rows]

    def advance(
        self,
        job: str,
        token: int,
        state: JobState,
        now: float,
        *,
        detail: str = "",
        session: str | None = None,
        code: int | None = None,
        waited: float | None = None,
    ) -> bool:
        with self._transaction():
            row = self._row(job)
            before = JobState(row["state"])
            if row["token"] != token or before in FINAL:
                return False
            check_transition(before, state)
            final = state in FINAL
            self._db.execute(
                "UPDATE jobs SET state = ?, changed = ?, session = coalesce(?, session), code = coalesce(?, code),"
                " waited = coalesce(?, waited), reason = ?, ended = CASE WHEN ? THEN ? END,"
                " started = CASE WHEN ? THEN coalesce(started, ?) ELSE started END WHERE id = ?",
                (
                    state,
                    now,
                    session,
                    code,
                    waited,
                    detail if final else "",
                    final,
                    now,
                    state is JobState.RUNNING,
                    now,
                    job,
                ),
            )
            if session is not None:
                self._db.execute("UPDATE attempts SET session = ? WHERE token = ?", (session, token))
            if final:
                self._end_attempt(token, now, state, code)
            self._record(job, now, state, detail)
            return True

    def requeue(self, job: str, token: int, now: float, not_before: float, detail: str) -> bool:
        with self._transaction():
            row = self._row(job)
            before = JobState(row["state"])
            if row["token"] != token or before in FINAL:
                return False
            check_transition(before, JobState.QUEUED)
            self._db.execute(
                "UPDATE jobs SET state = 'queued', changed = ?, not_before = ?, token = 0, node = '', session = '',"
                " holder = '', claim_until = 0, started = NULL, reason = ? WHERE id = ?",
                (now, not_before, detail, job),
            )
            self._end_attempt(token, now, "requeued", None)
            self._record(job, now, JobState.QUEUED, detail)
            return True

    def _end_attempt(self, token: int, now: float, outcome: str, code: int | None) -> None:
        self._db.execute(
            "UPDATE attempts SET ended = ?, outcome = ?, code = ? WHERE token = ?", (now, outcome, code, token)
        )

    def cancel(self, job: str, now: float) -> Job:
        with self._transaction():
            row = self._row(job)
            if row["state"] == JobState.QUEUED:
                self._end_queued(job, now, JobState.CANCELLED, "cancelled before it was placed")
            elif row["state"] not in FINAL and not row["cancel_asked"]:
                self._db.execute("UPDATE jobs SET cancel_asked = 1, changed = ? WHERE id = ?", (now, job))
                self._record(job, now, JobState(row["state"]), "asked to cancel")
            return _job(self._row(job))

    def retry(self, job: str, now: float) -> Job:
        old = self.get(job)
        if not old.is_final:
            raise QueueError(f"job {job} is {old.state}; cancel it first, or wait for its end")
        return self.submit(old.spec, now)

    def expire(self, now: float) -> list[Job]:
        with self._transaction():
            late = self._select("WHERE state = 'queued' AND queue_until < ?", (now,))
            for each in late:
                self._end_queued(each.id, now, JobState.EXPIRED, f"not placed within {each.spec.queue_limit:g} s")
            orphaned = self._db.execute(
                "SELECT jobs.id, need.id AS need, need.state FROM jobs JOIN dependencies d ON d.job = jobs.id"
                " JOIN jobs need ON need.id = d.needs"
                " WHERE jobs.state = 'queued' AND need.state IN ('failed', 'cancelled', 'lost', 'expired')"
                " GROUP BY jobs.id"
            ).fetchall()
            for row in orphaned:
                self._end_queued(row["id"], now, JobState.FAILED, f"needs job {row['need']}, which is {row['state']}")
            return [_job(self._row(identity)) for identity in [each.id for each in late] + [r["id"] for r in orphaned]]

    def _end_queued(self, job: str, now: float, state: JobState, reason: str) -> None:
        self._db.execute(
            "UPDATE jobs SET state = ?, changed = ?, ended = ?, reason = ? WHERE id = ?", (state, now, now, reason, job)
        )
        self._record(job, now, state, reason)

    def _record(self, job: str, now: float, state: JobState, detail: str) -> None:
        self._db.execute(
            "INSERT INTO job_events (job, at, state, detail) VALUES (?, ?, ?, ?)", (job, now, state, detail)
        )

    def attempts(self, job: str) -> list[Attempt]:
        self._row(job)
        rows = self._db.execute(
            "SELECT job, attempt, token, node, session, placed, ended, outcome, code FROM attempts WHERE job = ?"
            " ORDER BY attempt",
            (job,),
        )
        return [Attempt(*row) for row in rows]

    def events(self, after: int = 0, job: str | None = None, limit: int = 1000) -> list[JobEvent]:
        rows = self._db.execute(
            "SELECT n, job, at, state, detail FROM job_events WHERE n > ? AND (? IS NULL OR job = ?)"
            " ORDER BY n LIMIT ?",
            (after, job, job, limit),
        )
        return [JobEvent(n, name, at, JobState(state), detail) for n, name, at, state, detail in rows]

    def wait(self, seconds: float) -> bool:
        """Changes of this process wake at once; those of others are seen when `seconds` have passed."""
        with self._changed:
            self._changed.wait_for(self._version_moved, timeout=seconds)
        return self._take_version()

    def _data_version(self) -> tuple[int, int]:
        """Changes with every commit, of another connection (data_version) or of this one (total_changes)."""
        return self._db.execute("PRAGMA data_version").fetchone()[0], self._db.total_changes

    def _version_moved(self) -> bool:
        return self._data_version() != self._version

    def _take_version(self) -> bool:
        before, self._version = self._version, self._data_version()
        return before != self._version


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["spec"] = JobSpec.from_json(values["spec"])
    values["state"] = JobState(values["state"])
    values["cancel_asked"] = bool(values["cancel_asked"])
    return Job(**values)
