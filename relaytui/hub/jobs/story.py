"""What happened to one job, and why it is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relaytui.hub.jobs.model import Attempt, Job, JobEvent
from relaytui.hub.jobs.placement import NodeVerdict


@dataclass(frozen=True)
class JobStory:
    """`verdicts` say for each node why it does not run the job, while it is queued."""

    job: Job
    attempts: Sequence[Attempt] = ()
    events: Sequence[JobEvent] = ()
    reasons: Sequence[str] = ()
    verdicts: Sequence[NodeVerdict] = ()
