"""The life of a job, as a table.

    queued ──> placed ──> starting ──> running <──> asking ──> done | failed
       ^          |           |           |            |
       └──────────┴───────────┴───────────┴────────────┴──> queued again (only when it provably is not running,
                                                            or the job is repeatable and has attempts left)
    any that is not final ──> cancelled | expired | lost

A queued job belongs to nobody. From `placed` on it belongs to one attempt with one fencing token; a result counts
only with the token of the attempt that is current. Final states never change.
"""

from __future__ import annotations

import enum


class JobState(enum.StrEnum):
    QUEUED = "queued"
    PLACED = "placed"  # a node is chosen and the attempt's token is given out
    STARTING = "starting"  # the node was told to start it
    RUNNING = "running"
    ASKING = "asking"  # its session needs a human
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # whether it ran to its end cannot be known
    EXPIRED = "expired"  # a time limit passed


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST, JobState.EXPIRED})
ATTEMPTING = frozenset({JobState.PLACED, JobState.STARTING, JobState.RUNNING, JobState.ASKING})
"""States in which an attempt holds a slot of its node."""

_ENDS = frozenset({JobState.CANCELLED, JobState.LOST, JobState.EXPIRED})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.PLACED, JobState.CANCELLED, JobState.EXPIRED, JobState.FAILED}),
    JobState.PLACED: frozenset({JobState.STARTING, JobState.QUEUED, JobState.FAILED}) | _ENDS,
    JobState.STARTING: frozenset(
        {JobState.RUNNING, JobState.ASKING, JobState.DONE, JobState.FAILED, JobState.QUEUED} | _ENDS
    ),
    JobState.RUNNING: frozenset({JobState.ASKING, JobState.DONE, JobState.FAILED, JobState.QUEUED} | _ENDS),
    JobState.ASKING: frozenset({JobState.RUNNING, JobState.DONE, JobState.FAILED, JobState.QUEUED} | _ENDS),
    **{state: frozenset() for state in FINAL},
}


class ForbiddenTransition(Exception):
    """A job cannot go from one state to the other."""

    def __init__(self, before: JobState, after: JobState) -> None:
        super().__init__(f"a {before} job cannot become {after}")
        self.before = before
        self.after = after


def check_transition(before: JobState, after: JobState) -> None:
    """Raise ForbiddenTransition unless the table allows the step."""
    if after not in TRANSITIONS[before]:
        raise ForbiddenTransition(before, after)
