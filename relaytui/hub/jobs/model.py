"""What a job is: the specification an operator submits, and what became of it."""

from __future__ import annotations

import dataclasses
import enum
import json
from dataclasses import dataclass, field
from typing import Any

from relaytui.hub.jobs.states import FINAL, JobState


@dataclass(frozen=True)
class Transfer:
    """One file to send before the start or to fetch after the end.

    On the node a path is relative to the job's directory and stays inside, unless it is absolute. What was read of a
    file stands in the last three fields; its content is kept by the queue under its hash.
    """

    local: str
    remote: str
    sha256: str = ""
    size: int = 0
    executable: bool = False


class Direction(enum.StrEnum):
    """Which way a file went; an attempt's output is one too."""

    SEND = "send"
    FETCH = "fetch"
    OUTPUT = "output"


@dataclass(frozen=True)
class KeptFile:
    """A file of a job: as submitted, or as the attempt with `token` left it."""

    direction: Direction
    file: Transfer
    token: int
    is_kept: bool  # its content is still there


@dataclass(frozen=True)
class JobSpec:
    """A job as submitted. Times are in seconds; 0 is no limit."""

    command: tuple[str, ...] = ()
    script: str = ""  # run by sh where there is no command
    title: str = ""
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    requires: str = ""
    node: str = ""
    prefer: tuple[str, ...] = ()
    exclusive: tuple[str, ...] = ()
    priority: int = 0  # higher goes first
    retries: int = 0  # attempts after the first, when the command fails
    backoff: float = 10.0  # before the first retry; doubles
    repeatable: bool = False  # running it twice does no harm: a lost attempt may be repeated
    queue_limit: float = 0.0
    run_limit: float = 0.0
    ask_limit: float = 0.0
    after: tuple[str, ...] = ()  # ids of jobs that must be done first
    send: tuple[Transfer, ...] = ()
    inputs: tuple[str, ...] = ()  # "step:path": files that jobs it needs brought back, sent to the same path
    fetch: tuple[Transfer, ...] = ()
    workflow: str = ""
    run: str = ""  # of the workflow
    step: str = ""
    deploy: str = ""  # the node runs it only where its owner listed it under this name
    operator: str = ""

    @property
    def carries_files(self) -> bool:
        return bool(self.send or self.inputs or self.fetch)

    def to_json(self) -> str:
        """Only what differs from the default, so that old rows stay readable as fields are added."""
        return json.dumps(
            {
                name: _plain(value)
                for name, value in ((each.name, getattr(self, each.name)) for each in dataclasses.fields(self))
                if value != getattr(_DEFAULT_SPEC, name)
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        data: dict[str, Any] = json.loads(text)
        known = {each.name for each in dataclasses.fields(cls)}
        values = {name: _frozen(name, value) for name, value in data.items() if name in known}
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [dataclasses.asdict(item) if isinstance(item, Transfer) else item for item in value]
    return value


def _frozen(name: str, value: Any) -> Any:
    if name in ("send", "fetch"):
        return tuple(Transfer(**item) for item in value)
    return tuple(value) if isinstance(value, list) else value


_DEFAULT_SPEC = JobSpec()


@dataclass(frozen=True)
class Job:
    """A job's row. Times are Unix seconds of the queue's clock; `token` fences the current attempt."""

    id: str
    spec: JobSpec
    state: JobState
    submitted: float
    changed: float
    not_before: float = 0.0
    attempt: int = 0
    token: int = 0
    node: str = ""  # its alias where it was last seen
    node_uuid: str = ""  # "" for attempts of before it was kept
    session: str = ""
    holder: str = ""  # the dispatcher that has the claim
    claim_until: float = 0.0
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    reason: str = ""
    waited: float = 0.0  # seconds its session waited for a human
    cancel_asked: bool = False
    failures: int = 0  # attempts that count against its retries
    outputs: dict[str, str] = field(default_factory=dict)  # what it wrote to $RELAY_OUTPUT

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


@dataclass(frozen=True)
class Claim:
    """The run of a schedule that is due, as `JobQueue.last_run` said what was the last one."""

    schedule: str
    last: float
    due: float


@dataclass(frozen=True)
class Attempt:
    """One try of a job on one node; its journal is that of its session."""

    job: str
    attempt: int
    token: int
    node: str
    session: str
    placed: float
    ended: float | None
    outcome: str
    code: int | None


@dataclass(frozen=True)
class JobEvent:
    """A durable change of a job, numbered over the whole queue."""

    n: int
    job: str
    at: float
    state: JobState
    detail: str
