"""Requests about jobs: the node's part is to start each attempt at most once and to say truly whether it did.

A job is started by `session.start` with its id and the fencing token of the attempt. Tokens of a job only grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Type

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.message import Request


@dataclass(frozen=True)
class Fenced:
    """Whether the attempt was ever started here; `session` is None when it was not, or was removed since."""

    started: bool
    session: Optional[SessionInfo] = None


@dataclass(frozen=True)
class FenceJob(Request):
    """Accept no start of `job` with `token` or a lower one from now on.

    A reply that says "not started" is proof that the attempt never ran here and never will.
    """

    op: ClassVar[str] = "job.fence"
    reply: ClassVar[Type[Any]] = Fenced
    job: str
    token: int


@dataclass(frozen=True)
class JobOutput:
    text: str


@dataclass(frozen=True)
class ReadJobOutput(Request):
    """What an attempt wrote to the file `$RELAY_OUTPUT`; "" when it wrote nothing."""

    op: ClassVar[str] = "job.output"
    reply: ClassVar[Type[Any]] = JobOutput
    job: str
    token: int
