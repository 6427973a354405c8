"""What becomes of an attempt, given what is known of its session: pure, and the same whichever dispatcher looks.

Nothing here depends on what a dispatcher remembers: whether a limit passed is told from the queue's and the node's
own times, so a successor comes to the same result.
"""

from __future__ import annotations

from dataclasses import dataclass

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.states import Attention, SessionState
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.states import FINAL, JobState


@dataclass(frozen=True)
class Advance:
    """Move the attempt to `state`; a final one is its result."""

    state: JobState
    detail: str = ""
    code: int | None = None
    waited: float | None = None


@dataclass(frozen=True)
class Requeue:
    """The attempt is over and the job may be tried again after `delay` seconds."""

    detail: str
    delay: float = 0.0
    failed: bool = False


@dataclass(frozen=True)
class Stop:
    """End the session; its end then decides."""

    reason: str


Decision = Advance | Requeue | Stop | None


def follow(job: Job, session: SessionInfo, age: float, now: float) -> Decision:
    """The next step of an attempt whose session its node reports live; None while there is nothing to do.

    `age` is how long the session has been there, in seconds.
    """
    if session.state is SessionState.LOST:
        return _lost_session(job, session)
    if session.exit is not None:
        return _ended(job, session, now)
    if job.cancel_asked:
        return Stop("cancelled")
    asking = session.attention is Attention.ASKING
    if (limit := job.spec.run_limit) and age > limit:
        return Stop(f"ran longer than {limit:g} s")
    if job.state is JobState.ASKING:
        if _asked_too_long(job, now):
            return Stop(f"nobody answered within {job.spec.ask_limit:g} s")
        return None if asking else Advance(JobState.RUNNING, "answered", waited=_waited(job, now))
    if asking:
        return Advance(JobState.ASKING, session.ask.excerpt if session.ask else "")
    return Advance(JobState.RUNNING) if job.state is JobState.STARTING else None


def ends(decision: Decision) -> bool:
    """Whether the attempt is over with it."""
    return isinstance(decision, Requeue) or (isinstance(decision, Advance) and decision.state in FINAL)


def out_of_sight(job: Job, seconds: float, lost_after: float, why: str) -> Decision:
    """The next step of an attempt whose node has not been heard for `seconds`."""
    if seconds < lost_after:
        return None
    detail = f"{job.node} not heard for {seconds:.0f} s: {why}"
    if job.spec.repeatable:
        return Requeue(f"{detail}; repeated, since that does no harm")
    return Advance(JobState.LOST, f"{detail}; whether it ran to its end cannot be known")


def never_started(job: Job, reason: str) -> Requeue:
    """The node proves that the attempt did not run: it counts for nothing."""
    return Requeue(f"was not started on {job.node}: {reason}")


def _ended(job: Job, session: SessionInfo, now: float) -> Decision:
    assert session.exit is not None
    code, waited = session.exit.code, _waited(job, now)
    if code == 0:
        return Advance(JobState.DONE, code=0, waited=waited)
    how = f"exit code {code}" if code is not None else f"signal {session.exit.signal}"
    if job.cancel_asked:
        return Advance(JobState.CANCELLED, f"cancelled; {how}", code, waited)
    limit, ran = job.spec.run_limit, session.exit.at - session.started
    if limit and ran > limit:
        return Advance(JobState.EXPIRED, f"ran longer than {limit:g} s; {how}", code, waited)
    if job.state is JobState.ASKING and _asked_too_long(job, now):
        return Advance(JobState.EXPIRED, f"nobody answered within {job.spec.ask_limit:g} s; {how}", code, waited)
    if job.failures < job.spec.retries:
        return Requeue(f"{how}; tried again", job.spec.backoff * 2**job.failures, failed=True)
    return Advance(JobState.FAILED, how, code, waited)


def _lost_session(job: Job, session: SessionInfo) -> Decision:
    """Its keeper or machine is gone: it provably runs no more, but what it did is not known."""
    reason = (session.exit.reason if session.exit else "") or "its session is gone"
    if job.cancel_asked:
        return Advance(JobState.CANCELLED, f"cancelled; lost: {reason}")
    if job.spec.repeatable or job.failures < job.spec.retries:
        return Requeue(f"lost: {reason}; tried again", failed=not job.spec.repeatable)
    return Advance(JobState.LOST, reason)


def _asked_too_long(job: Job, now: float) -> bool:
    return job.spec.ask_limit > 0 and now - job.changed > job.spec.ask_limit


def _waited(job: Job, now: float) -> float:
    return job.waited + (max(0.0, now - job.changed) if job.state is JobState.ASKING else 0.0)
