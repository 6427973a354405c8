"""The queue in SQL, shared by both backends: what a transaction does, not how it is opened, locked or repeated.

The statements keep to what SQLite 3.34 and PostgreSQL 13 both read; values are bound with `?`. A backend supplies what
`Transactions` asks for.
"""

from __future__ import annotations

import json
import secrets
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from relaytui.hub.jobs.contents import ContentStore
from relaytui.hub.jobs.model import Attempt, Claim, Direction, Job, JobEvent, JobSpec
from relaytui.hub.jobs.queue import CLAIM_SECONDS, NoSuchJob, QueueError
from relaytui.hub.jobs.sql_base import Row
from relaytui.hub.jobs.states import ATTEMPTING, FINAL, JobState, check_transition

_COLUMNS = (
    "id, spec, state, submitted, changed, not_before, attempt, token, node, node_uuid, session, holder,"
    " claim_until, started, ended, code, reason, waited, cancel_asked, failures, outputs"
)
_ATTEMPTING = ", ".join(f"'{state}'" for state in sorted(ATTEMPTING))
_UNMET = (
    "SELECT 1 FROM dependencies d JOIN jobs need ON need.id = d.needs WHERE d.job = jobs.id AND need.state != 'done'"
)


class SqlQueue(ContentStore):
    """A `JobQueue` but for its connection."""

    @abstractmethod
    def _before_event(self) -> None:
        """Runs before an event is numbered, so that numbers follow the order of commits."""

    def submit(self, spec: JobSpec, now: float) -> Job:
        return self.submit_all({secrets.token_hex(4): spec}, now)[0]

    def submit_all(self, specs: Mapping[str, JobSpec], now: float, *, claim: Claim | None = None) -> list[Job]:
        def work() -> list[Job]:
            # A repeated transaction may have been committed before.
            if any(self._find(identity) is None for identity in specs):
                if claim is not None and not self._take(claim):
                    return []
                for identity, spec in specs.items():
                    self._insert(identity, spec, now)
            return [_job(self._row(identity)) for identity in specs]

        return self._run(work)

    def _take(self, claim: Claim) -> bool:
        statement = "UPDATE schedules SET last = ? WHERE name = ? AND last = ?"
        return self._execute(statement, (claim.due, claim.schedule, claim.last)).rowcount == 1

    def _insert(self, identity: str, spec: JobSpec, now: float, copy_of: str = "") -> None:
        for need in spec.after:
            self._row(need)
        self._execute(
            "INSERT INTO jobs (id, spec, state, priority, submitted, changed, queue_until, copy_of)"
            " VALUES (?, ?, 'queued', ?, ?, ?, ?, ?)",
            (
                identity,
                spec.to_json(),
                spec.priority,
                now,
                now,
                now + spec.queue_limit if spec.queue_limit else None,
                copy_of,
            ),
        )
        for need in sorted(set(spec.after)):
            self._execute("INSERT INTO dependencies (job, needs) VALUES (?, ?)", (identity, need))
        for file in spec.send:
            self._keep_file(identity, 0, Direction.SEND, file, now)
        self._record(identity, now, JobState.QUEUED, f"submitted as a copy of {copy_of}" if copy_of else "submitted")

    def get(self, job: str) -> Job:
        return self._run(lambda: _job(self._row(job)))

    def _find(self, job: str, lock: str = "") -> Row | None:
        row: Row | None = self._execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?{lock}", (job,)).fetchone()
        return row

    def _row(self, job: str, lock: str = "") -> Row:
        row = self._find(job, lock)
        if row is None:
            raise NoSuchJob(job)
        return row

    def jobs(self, states: Sequence[JobState] = (), limit: int = 10_000) -> list[Job]:
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._run(lambda: self._select(f"{where} ORDER BY n DESC LIMIT ?", (*map(str, states), limit)))

    def _select(self, tail: str, values: Sequence[Any] = ()) -> list[Job]:
        return [_job(row) for row in self._execute(f"SELECT {_COLUMNS} FROM jobs {tail}", values).fetchall()]

    def ready(self, now: float, limit: int = 100, skip: int = 0) -> list[Job]:
        where = f"WHERE state = 'queued' AND not_before <= ? AND NOT EXISTS ({_UNMET})"
        tail = f"{where} ORDER BY priority DESC, n LIMIT ? OFFSET ?"
        return self._run(lambda: self._select(tail, (now, limit, skip)))

    def held(self, holder: str) -> list[Job]:
        tail = f"WHERE state IN ({_ATTEMPTING}) AND holder = ? ORDER BY n"
        return self._run(lambda: self._select(tail, (holder,)))

    def place(
        self, job: str, node: str, holder: str, now: float, *, slots: int | None = None, uuid: str = ""
    ) -> Job | None:
        def work() -> Job | None:
            row = self._find(job, self._lock)
            if row is None or row["state"] != JobState.QUEUED:
                return None
            self._execute("UPDATE tokens SET last = last + 1")  # from here on no other placement goes on beside this
            if not self._has_room(node, uuid, slots, JobSpec.from_json(row["spec"])):
                return None
            token = self._execute("SELECT last FROM tokens").fetchone()["last"]
            self._execute(
                "UPDATE jobs SET state = 'placed', attempt = attempt + 1, token = ?, node = ?, node_uuid = ?,"
                " session = '', holder = ?, claim_until = ?, changed = ?, reason = '' WHERE id = ?",
                (token, node, uuid, holder, now + CLAIM_SECONDS, now, job),
            )
            self._execute(
                "INSERT INTO attempts (job, attempt, token, node, placed) VALUES (?, ?, ?, ?, ?)",
                (job, row["attempt"] + 1, token, node, now),
            )
            self._record(job, now, JobState.PLACED, f"on {node}")
            return _job(self._row(job))

        return self._run(work)

    def _has_room(self, node: str, uuid: str, slots: int | None, spec: JobSpec) -> bool:
        """Whether the node's attempts leave a slot and the job's exclusive tags free."""
        here = "(node_uuid = ? OR node_uuid = '' AND node = ?)" if uuid else "(node = ? OR node = ?)"
        statement = f"SELECT spec FROM jobs WHERE state IN ({_ATTEMPTING}) AND {here}"
        others = [JobSpec.from_json(row["spec"]) for row in self._execute(statement, (uuid or node, node)).fetchall()]
        has_slot = slots is None or len(others) < slots
        return has_slot and all(set(spec.exclusive).isdisjoint(other.exclusive) for other in others)

    def rename_node(self, job: str, token: int, node: str) -> bool:
        def work() -> bool:
            if self._current(job, token) is None:
                return False
            self._execute("UPDATE jobs SET node = ? WHERE id = ?", (node, job))
            self._execute("UPDATE attempts SET node = ? WHERE token = ?", (node, token))
            return True

        return self._run(work)

    def renew(self, holder: str, now: float) -> int:
        statement = f"UPDATE jobs SET claim_until = ? WHERE state IN ({_ATTEMPTING}) AND holder = ?"
        return self._run(lambda: self._execute(statement, (now + CLAIM_SECONDS, holder)).rowcount)

    def release(self, holder: str) -> None:
        statement = f"UPDATE jobs SET claim_until = 0 WHERE state IN ({_ATTEMPTING}) AND holder = ?"
        self._run(lambda: self._execute(statement, (holder,)))

    def adopt(self, holder: str, now: float) -> list[Job]:
        def work() -> list[Job]:
            late = self._select(f"WHERE state IN ({_ATTEMPTING}) AND claim_until < ? ORDER BY n{self._lock}", (now,))
            for each in late:
                self._execute(
                    "UPDATE jobs SET holder = ?, claim_until = ? WHERE id = ?", (holder, now + CLAIM_SECONDS, each.id)
                )
            return [_job(self._row(each.id)) for each in late]

        return self._run(work)

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
        outputs: Mapping[str, str] | None = None,
    ) -> bool:
        final = state in FINAL

        def work() -> bool:
            row = self._current(job, token)
            if row is None:
                return False
            check_transition(JobState(row["state"]), state)
            started = row["started"] if row["started"] is not None or state is not JobState.RUNNING else now
            self._execute(
                "UPDATE jobs SET state = ?, changed = ?, session = ?, code = ?, waited = ?, reason = ?, started = ?,"
                " ended = ?, outputs = ? WHERE id = ?",
                (
                    str(state),
                    now,
                    row["session"] if session is None else session,
                    row["code"] if code is None else code,
                    row["waited"] if waited is None else waited,
                    detail if final else "",
                    started,
                    now if final else None,
                    row["outputs"] if outputs is None else json.dumps(dict(outputs)),
                    job,
                ),
            )
            if session is not None:
                self._execute("UPDATE attempts SET session = ? WHERE token = ?", (session, token))
            if final:
                self._end_attempt(token, now, str(state), code)
            self._record(job, now, state, detail)
            return True

        return self._run(work)

    def requeue(
        self, job: str, token: int, now: float, not_before: float, detail: str, *, failed: bool = False
    ) -> bool:
        def work() -> bool:
            row = self._current(job, token)
            if row is None:
                return False
            check_transition(JobState(row["state"]), JobState.QUEUED)
            self._execute(
                "UPDATE jobs SET state = 'queued', changed = ?, not_before = ?, token = 0, node = '', session = '',"
                " holder = '', claim_until = 0, started = NULL, reason = ?, failures = failures + ? WHERE id = ?",
                (now, not_before, detail, int(failed), job),
            )
            self._end_attempt(token, now, "requeued", None)
            self._record(job, now, JobState.QUEUED, detail)
            return True

        return self._run(work)

    def _current(self, job: str, token: int) -> Row | None:
        """The job's row while `token` is that of its current attempt; locks it until the transaction ends."""
        row = self._row(job, self._lock.replace(" SKIP LOCKED", ""))
        return row if row["token"] == token and JobState(row["state"]) in ATTEMPTING else None

    def _end_attempt(self, token: int, now: float, outcome: str, code: int | None) -> None:
        self._execute(
            "UPDATE attempts SET ended = ?, outcome = ?, code = ? WHERE token = ?", (now, outcome, code, token)
        )

    def cancel(self, job: str, now: float) -> Job:
        def work() -> Job:
            row = self._row(job, self._lock.replace(" SKIP LOCKED", ""))
            state = JobState(row["state"])
            if state is JobState.QUEUED:
                self._end_queued(job, now, JobState.CANCELLED, "cancelled before it was placed")
            elif state in ATTEMPTING and not row["cancel_asked"]:
                self._execute("UPDATE jobs SET cancel_asked = 1, changed = ? WHERE id = ?", (now, job))
                self._record(job, now, state, "asked to cancel")
            return _job(self._row(job))

        return self._run(work)

    def retry(self, job: str, now: float) -> Job:
        identity = secrets.token_hex(4)

        def work() -> Job:
            if self._find(identity) is None:  # as for what is submitted
                old = _job(self._row(job, self._lock.replace(" SKIP LOCKED", "")))
                if not old.is_final:
                    raise QueueError(f"job {job} is {old.state}; cancel it first, or wait for its end")
                for need in map(self._latest, old.spec.after):
                    if need.is_final and need.state is not JobState.DONE:
                        raise QueueError(f"job {job} needs job {need.id}, which is {need.state}; retry that one first")
                while self._end_hopeless(now):
                    pass
                for each in [job, *self._failed_with(job)]:
                    self._copy(each, identity if each == job else secrets.token_hex(4), now)
            return _job(self._row(identity))

        return self._run(work)

    def _copy(self, job: str, identity: str, now: float) -> None:
        spec = JobSpec.from_json(self._row(job)["spec"])
        after = tuple(self._latest(need).id for need in spec.after)
        self._insert(identity, replace(spec, after=after), now, copy_of=job)

    def _latest(self, job: str) -> Job:
        """The job, or while it is not done the last copy of it."""
        statement = "SELECT id FROM jobs WHERE copy_of = ? AND copy_of != '' ORDER BY n DESC LIMIT 1"
        row: Row | None = {"id": job}
        while row is not None and (found := _job(self._row(row["id"]))).state is not JobState.DONE:
            row = self._execute(statement, (found.id,)).fetchone()
        return found

    def _failed_with(self, job: str) -> list[str]:
        """Jobs that never ran, since they needed this one or another such, and have no copy; in the order of needs."""
        statement = (
            "SELECT jobs.n AS n, jobs.id AS id FROM dependencies d JOIN jobs ON jobs.id = d.job"
            " WHERE d.needs = ? AND jobs.state = 'failed' AND jobs.attempt = 0"
            " AND NOT EXISTS (SELECT 1 FROM jobs copy WHERE copy.copy_of = jobs.id AND copy.copy_of != '')"
        )
        found: dict[str, int] = {}
        looked_at = [job]
        while looked_at:
            rows = self._execute(statement, (looked_at.pop(),)).fetchall()
            looked_at += [row["id"] for row in rows if row["id"] not in found]
            found |= {row["id"]: row["n"] for row in rows}
        return sorted(found, key=found.__getitem__)  # a job is submitted after those it needs

    def expire(self, now: float) -> list[Job]:
        def work() -> list[Job]:
            ended: dict[str, None] = {}
            for each in self._select(f"WHERE state = 'queued' AND queue_until < ? ORDER BY n{self._lock}", (now,)):
                self._end_queued(each.id, now, JobState.EXPIRED, f"not placed within {each.spec.queue_limit:g} s")
                ended[each.id] = None
            ended |= self._end_hopeless(now)
            return [_job(self._row(identity)) for identity in ended]

        return self._run(work)

    def _end_hopeless(self, now: float) -> dict[str, None]:
        """Fail what is queued and needs a job that ended otherwise than done; their ids in order."""
        rows = self._execute(
            "SELECT d.job AS job, need.id AS need, need.state AS state FROM dependencies d"
            " JOIN jobs ON jobs.id = d.job JOIN jobs need ON need.id = d.needs"
            " WHERE jobs.state = 'queued' AND need.state IN ('failed', 'cancelled', 'lost', 'expired')"
            " ORDER BY jobs.n, need.n"
        ).fetchall()
        ended: dict[str, None] = {}
        for row in rows:
            if row["job"] not in ended:
                reason = f"needs job {row['need']}, which is {row['state']}"
                self._end_queued(row["job"], now, JobState.FAILED, reason)
                ended[row["job"]] = None
        return ended

    def _end_queued(self, job: str, now: float, state: JobState, reason: str) -> None:
        self._execute(
            "UPDATE jobs SET state = ?, changed = ?, ended = ?, reason = ? WHERE id = ?",
            (str(state), now, now, reason, job),
        )
        self._record(job, now, state, reason)

    def _record(self, job: str, now: float, state: JobState, detail: str) -> None:
        self._before_event()
        self._execute(
            "INSERT INTO job_events (job, at, state, detail) VALUES (?, ?, ?, ?)", (job, now, str(state), detail)
        )

    def last_run(self, schedule: str, now: float) -> float:
        def work() -> float:
            self._execute("INSERT INTO schedules VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (schedule, now))
            row = self._execute("SELECT last FROM schedules WHERE name = ?", (schedule,)).fetchone()
            return float(row["last"])

        return self._run(work)

    def attempts(self, job: str) -> list[Attempt]:
        def work() -> list[Attempt]:
            self._row(job)
            rows = self._execute(
                "SELECT job, attempt, token, node, session, placed, ended, outcome, code FROM attempts WHERE job = ?"
                " ORDER BY attempt",
                (job,),
            ).fetchall()
            return [Attempt(**dict(row)) for row in rows]

        return self._run(work)

    def events(self, after: int = 0, job: str | None = None, limit: int = 1000) -> list[JobEvent]:
        def work() -> list[JobEvent]:
            of_job, values = (" AND job = ?", (after, job, limit)) if job is not None else ("", (after, limit))
            rows = self._execute(
                f"SELECT n, job, at, state, detail FROM job_events WHERE n > ?{of_job} ORDER BY n LIMIT ?", values
            ).fetchall()
            return [JobEvent(row["n"], row["job"], row["at"], JobState(row["state"]), row["detail"]) for row in rows]

        return self._run(work)


def _job(row: Row) -> Job:
    values = dict(row)
    values["spec"] = JobSpec.from_json(values["spec"])
    values["state"] = JobState(values["state"])
    values["outputs"] = json.loads(values["outputs"])
    values["cancel_asked"] = bool(values["cancel_asked"])
    return Job(**values)
