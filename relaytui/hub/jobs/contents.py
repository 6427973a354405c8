"""The contents of files that jobs send and bring back, kept in the queue beside their results.

They are named by their hash and stored in pieces, each a transaction of its own, so that no large file holds up the
jobs, whichever hub of the queue handles one, and what a killed process left unfinished is begun again without harm.
"""

from __future__ import annotations

import hashlib

from relaytui.hub.jobs.model import Direction, KeptFile, Transfer
from relaytui.hub.jobs.queue import ContentGone
from relaytui.hub.jobs.sql_base import Transactions
from relaytui.hub.jobs.states import FINAL

UNFINISHED_SECONDS = 86400.0
"""How long contents that no job names are kept: they may be on their way."""

_ADD_PIECE = "INSERT INTO content_pieces (sha256, n, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_ENDED = ", ".join(f"'{state}'" for state in sorted(FINAL))


class ContentStore(Transactions):
    """The part of a queue in SQL that keeps contents; see `JobQueue` for what its calls promise."""

    def begin_content(self, sha256: str, size: int, now: float) -> bool:
        def work() -> bool:
            self._execute(
                "INSERT INTO contents (sha256, size, added) VALUES (?, ?, ?)"
                " ON CONFLICT (sha256) DO UPDATE SET added = excluded.added",
                (sha256, size, now),
            )
            return not self._is_whole(sha256)

        return self._run(work)

    def add_piece(self, sha256: str, number: int, data: bytes) -> None:
        self._run(lambda: self._execute(_ADD_PIECE, (sha256, number, data)))

    def finish_content(self, sha256: str) -> None:
        self._run(lambda: self._execute("UPDATE contents SET is_whole = 1 WHERE sha256 = ?", (sha256,)))

    def piece(self, sha256: str, number: int) -> bytes:
        def work() -> bytes:
            if not self._is_whole(sha256):
                raise ContentGone("the file is not kept any more: its job ended too long ago; run the job again")
            statement = "SELECT data FROM content_pieces WHERE sha256 = ? AND n = ?"
            row = self._execute(statement, (sha256, number)).fetchone()
            return bytes(row["data"]) if row else b""

        return self._run(work)

    def _is_whole(self, sha256: str) -> bool:
        row = self._execute("SELECT is_whole FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        return row is not None and bool(row["is_whole"])

    def keep_file(self, job: str, token: int, direction: Direction, file: Transfer, now: float) -> None:
        self._run(lambda: self._keep_file(job, token, direction, file, now))

    def _keep_file(self, job: str, token: int, direction: Direction, file: Transfer, now: float) -> None:
        touch = "UPDATE contents SET added = ? WHERE sha256 = ? AND is_whole = 1"
        if not self._execute(touch, (now, file.sha256)).rowcount:
            raise ContentGone(f"{file.remote}: the file is not kept any more; submit the job anew")
        self._execute(
            "INSERT INTO job_files (job, token, way, path, local, sha256, size, is_executable)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (job, token, str(direction), file.remote, file.local, file.sha256, file.size, int(file.executable)),
        )

    def files(self, job: str) -> list[KeptFile]:
        def work() -> list[KeptFile]:
            rows = self._execute(
                "SELECT f.token, f.way, f.path, f.local, f.sha256, f.size, f.is_executable, c.is_whole"
                " FROM job_files f LEFT JOIN contents c ON c.sha256 = f.sha256 WHERE f.job = ?"
                " AND f.way != 'output' ORDER BY f.way DESC, f.token, f.path",
                (job,),
            ).fetchall()
            return [
                KeptFile(
                    Direction(row["way"]),
                    Transfer(row["local"], row["path"], row["sha256"], row["size"], bool(row["is_executable"])),
                    row["token"],
                    bool(row["is_whole"]),
                )
                for row in rows
            ]

        return self._run(work)

    def keep_output(self, job: str, token: int, data: bytes, now: float) -> None:
        sha256 = hashlib.sha256(data).hexdigest()

        def work() -> None:
            self._execute(
                "INSERT INTO contents (sha256, size, added, is_whole) VALUES (?, ?, ?, 1)"
                " ON CONFLICT (sha256) DO UPDATE SET added = excluded.added, is_whole = 1",
                (sha256, len(data), now),
            )
            if data:
                self._execute(_ADD_PIECE, (sha256, 0, data))
            self._keep_file(job, token, Direction.OUTPUT, Transfer("", "output", sha256, len(data)), now)

        self._run(work)

    def output(self, job: str, token: int) -> bytes | None:
        statement = (
            "SELECT p.data AS data FROM job_files f JOIN contents c ON c.sha256 = f.sha256 AND c.is_whole = 1"
            " LEFT JOIN content_pieces p ON p.sha256 = c.sha256 AND p.n = 0"
            " WHERE f.job = ? AND f.token = ? AND f.way = 'output'"
        )

        def work() -> bytes | None:
            row = self._execute(statement, (job, token)).fetchone()
            return None if row is None else bytes(row["data"] or b"")

        return self._run(work)

    def drop_contents(self, ended_before: float, now: float) -> int:
        used = (
            "SELECT 1 FROM job_files f JOIN jobs j ON j.id = f.job WHERE f.sha256 = contents.sha256"
            f" AND (j.state NOT IN ({_ENDED}) OR j.ended IS NULL OR j.ended >= ?)"
        )
        values = (now - UNFINISHED_SECONDS, ended_before)
        old = "is_whole = 0 AND added < ?"

        def work() -> int:
            # From here on whoever wants to use one of them again waits, and then finds it gone.
            self._execute(f"UPDATE contents SET is_whole = 0 WHERE added < ? AND NOT EXISTS ({used})", values)
            self._execute(
                f"DELETE FROM content_pieces WHERE sha256 IN (SELECT sha256 FROM contents WHERE {old})", values[:1]
            )
            return self._execute(f"DELETE FROM contents WHERE {old}", values[:1]).rowcount

        return self._run(work)
