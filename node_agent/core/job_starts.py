"""Which starts of a job a node accepts.

    a start with token t is accepted when no higher token was seen, t was not fenced, and no earlier attempt still runs;
    a start with a token that was started returns that session; a fence with token t refuses t and all below it.

So each attempt starts at most once, and of a job at most one attempt runs at a time on this node, whoever asks.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Sequence, Tuple

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_START = re.compile(r"job:([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([0-9]+)")


class Start(NamedTuple):
    """One attempt as this node knows it; `session` is "" while none was started."""

    token: int
    session: str
    is_fenced: bool


class StartRefused(Exception):
    """The attempt must not be started here; the message is one line."""


def is_job_id(job: str) -> bool:
    return _JOB.fullmatch(job) is not None


def request_of(job: str, token: int) -> str:
    """The request id the keeper starts an attempt under, so that it starts once whatever dies in between."""
    return f"job:{job}:{token}"


def attempt_of(request: str) -> Tuple[str, int]:
    """Job and token of a session's request id; ("", 0) where it is no job's."""
    match = _START.fullmatch(request)
    return (match[1], int(match[2])) if match else ("", 0)


def admit(job: str, token: int, known: Sequence[Start]) -> str:
    """The session that was started with `token`, or "" to start one now; raises StartRefused."""
    for start in sorted(known, reverse=True):
        if start.token > token:
            raise StartRefused(f"job {job} has a newer attempt here: token {token} is outdated by {start.token}")
        if start.token == token and start.is_fenced:
            raise StartRefused(f"job {job}: the attempt with token {token} was given up")
        if start.token == token:
            return start.session
    return ""
