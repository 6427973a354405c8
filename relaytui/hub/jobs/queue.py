"""The queue's interface, the same for every backend.

Calls block for milliseconds and may come from any thread; one has its turn at a time. Every change of a job is one
transaction that also appends the event. Nothing about an attempt changes without its fencing token: tokens only grow,
a new one is given with each placement, and a call with an older one changes nothing and returns False.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from relaytui.hub.jobs.model import Attempt, Claim, Direction, Job, JobEvent, JobSpec, KeptFile, Transfer
from relaytui.hub.jobs.states import JobState

CLAIM_SECONDS = 15.0
"""How long a dispatcher's claim on a placed job lasts without being renewed."""


PIECE = 1024 * 1024
"""Bytes a stored piece of a file has, but for the last."""


class QueueError(Exception):
    """The queue cannot be used; one line says what failed, why and what to do."""

    exit_code = 10


class NoSuchJob(QueueError):
    exit_code = 11

    def __init__(self, job: str) -> None:
        super().__init__(f"there is no job {job!r}; `relaytui job ls` lists them")


class ContentGone(QueueError):
    """A file's content is not kept, or not any more."""


class JobQueue(Protocol):
    """Times are Unix seconds, given by the caller; all `now` of one queue come from one clock where possible."""

    def close(self) -> None:
        """Give it back once the calls under way have ended; later ones raise QueueError."""

    def submit(self, spec: JobSpec, now: float) -> Job:
        """Add a job. Raises NoSuchJob when `spec.after` names an unknown one."""

    def submit_all(self, specs: Mapping[str, JobSpec], now: float, *, claim: Claim | None = None) -> list[Job]:
        """Add jobs under new ids of the caller's, all of them or none; each may be after those before it.

        With `claim` they are the run of a schedule, which is taken with them: [] where somebody else has it.
        """

    def get(self, job: str) -> Job:
        """Raises NoSuchJob."""

    def jobs(self, states: Sequence[JobState] = (), limit: int = 10_000) -> list[Job]:
        """Newest first; all states where none is named."""

    def ready(self, now: float, limit: int = 100, skip: int = 0) -> list[Job]:
        """Queued jobs whose time has come and whose dependencies are done: by priority, then by age."""

    def held(self, holder: str) -> list[Job]:
        """Jobs in an attempt whose claim `holder` has."""

    def place(
        self, job: str, node: str, holder: str, now: float, *, slots: int | None = None, uuid: str = ""
    ) -> Job | None:
        """Give a queued job to a node, an alias and its UUID, with a new token; None when somebody else was first.

        None too when by now the node has `slots` attempts, or one that holds an exclusive tag of the job: whoever
        else places jobs, a node is never overfilled.
        """

    def rename_node(self, job: str, token: int, node: str) -> bool:
        """Note that the attempt's node has another alias by now; False for an outdated token or a final job."""

    def renew(self, holder: str, now: float) -> int:
        """Extend all claims of `holder`; returns how many it has."""

    def release(self, holder: str) -> None:
        """Let others adopt the attempts of `holder` at once: it is ending."""

    def adopt(self, holder: str, now: float) -> list[Job]:
        """Take over attempts whose claim has run out. The token stays: the attempt goes on, its dispatcher changed."""

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
        """Move an attempt on, with its result where the state is final; False for an outdated token or final job.

        Raises ForbiddenTransition for a step the table does not allow.
        """

    def requeue(
        self, job: str, token: int, now: float, not_before: float, detail: str, *, failed: bool = False
    ) -> bool:
        """End the attempt and queue the job again; False for an outdated token or a final job.

        `failed` counts the attempt against the job's retries.
        """

    def cancel(self, job: str, now: float) -> Job:
        """Cancel a queued job at once; ask the dispatcher to stop one in an attempt. A final job stays as it is."""

    def retry(self, job: str, now: float) -> Job:
        """Submit a copy of a final job, and of those that failed because it was not done; the first of them.

        What the copies come after are the latest copies of what their originals needed. Raises QueueError for a job
        that has not ended, or needs one that has ended otherwise than done.
        """

    def expire(self, now: float) -> list[Job]:
        """End queued jobs whose queue limit passed, and those that wait for a job that did not succeed."""

    def last_run(self, schedule: str, now: float) -> float:
        """When a schedule was last run; `now` for one that is seen for the first time."""

    # Files: contents are named by their SHA-256, in hex, and stored before a job that sends them is submitted.

    def begin_content(self, sha256: str, size: int, now: float) -> bool:
        """Announce a content; False when it is here already, whole."""

    def add_piece(self, sha256: str, number: int, data: bytes) -> None:
        """Store piece `number` of an announced content: `PIECE` bytes each, but for the last."""

    def finish_content(self, sha256: str) -> None:
        """Say that all pieces are stored."""

    def piece(self, sha256: str, number: int) -> bytes:
        """A piece of a content, b"" after the last; raises ContentGone for one that is not kept any more."""

    def keep_file(self, job: str, token: int, direction: Direction, file: Transfer, now: float) -> None:
        """Note that a job has this file, whose content is stored; raises ContentGone where it is not."""

    def files(self, job: str) -> list[KeptFile]:
        """What a job sends, then what its attempts left."""

    def keep_output(self, job: str, token: int, data: bytes, now: float) -> None:
        """Keep what an attempt printed, at most one piece, like the files it left."""

    def output(self, job: str, token: int) -> bytes | None:
        """What was kept of what an attempt printed; None where nothing is kept of it."""

    def drop_contents(self, ended_before: float, now: float) -> int:
        """Forget the contents of jobs that ended before; how many there were. That there were files stays known."""

    def attempts(self, job: str) -> list[Attempt]: ...

    def events(self, after: int = 0, job: str | None = None, limit: int = 1000) -> list[JobEvent]: ...

    def wait(self, seconds: float) -> bool:
        """Block until the queue changed or `seconds` passed; True when it changed."""
