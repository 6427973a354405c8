"""Jobs as lines, and what is known of one as facts: the words, the order, the filter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from node_agent.terminal.sanitise import sanitise
from relaytui.fleet.status import span
from relaytui.hub.jobs.model import Attempt, Job, JobSpec
from relaytui.hub.jobs.placement import NodeVerdict
from relaytui.hub.jobs.states import ATTEMPTING, JobState
from relaytui.hub.jobs.story import JobStory
from relaytui.widgets.view import Fact, RowView, Status

_LIMIT = 300
_STATUS = {
    JobState.QUEUED: Status.IDLE,
    JobState.PLACED: Status.WORKING,
    JobState.STARTING: Status.WORKING,
    JobState.RUNNING: Status.WORKING,
    JobState.ASKING: Status.ASKING,
    JobState.DONE: Status.DONE,
    JobState.FAILED: Status.FAILED,
    JobState.CANCELLED: Status.IDLE,
    JobState.LOST: Status.LOST,
    JobState.EXPIRED: Status.FAILED,
}
_SECTIONS = ("Running", "Queue", "History")

Passes = Callable[[Job], bool]


def job_title(spec: JobSpec) -> str:
    """What a job is called: its title, else its command or the first line of its script."""
    return sanitise(spec.title or " ".join(spec.command) or spec.script.strip().partition("\n")[0], _LIMIT)


def job_filter(text: str) -> Passes:
    """Jobs that pass all words: `state:failed`, `node:gpu`, or a part of id, title, command, tags or workflow."""
    tests = [_word_test(word.lower()) for word in text.split()]
    return lambda job: all(test(job) for test in tests)


def _word_test(word: str) -> Passes:
    field, _, value = word.partition(":")
    if field == "state":
        return lambda job: job.state.value.startswith(value)
    if field == "node":
        return lambda job: value in job.node.lower()
    return lambda job: (
        word in "\n".join([job.id, job_title(job.spec), *job.spec.command, *job.spec.tags, job.spec.workflow]).lower()
    )


def job_rows(jobs: Iterable[Job], now: float) -> list[RowView]:
    """What runs, asking first; what is queued, the first to go first; what ended, the latest first."""
    by_section: dict[str, list[Job]] = {section: [] for section in _SECTIONS}
    for job in jobs:
        by_section[_section(job)].append(job)
    by_section["Running"].sort(key=lambda job: (job.state is not JobState.ASKING, job.started or job.changed))
    by_section["Queue"].sort(key=lambda job: (-job.spec.priority, job.submitted))
    by_section["History"].sort(key=lambda job: -(job.ended or job.changed))
    return [_row(job, section, now) for section, members in by_section.items() for job in members]


def _section(job: Job) -> str:
    if job.state in ATTEMPTING:
        return "Running"
    return "Queue" if job.state is JobState.QUEUED else "History"


def _row(job: Job, section: str, now: float) -> RowView:
    return RowView(
        id=job.id,
        status=_STATUS[job.state],
        word=f"{job.state:<9} {span(now - job.changed):>4}",
        name=job.id,
        title=job_title(job.spec),
        detail=_detail(job),
        marks=sanitise(job.node, _LIMIT),
        section=section,
        is_faded=job.state is JobState.CANCELLED,
    )


def _detail(job: Job) -> str:
    """What there is to say of it in a few words: why, what it needs, how long it ran."""
    if job.reason:
        return sanitise(" ".join(job.reason.split()), _LIMIT)
    if job.is_final:
        return f"ran {span(job.ended - job.started)}" if job.started and job.ended else ""
    wishes = [f"needs {job.spec.requires}"] if job.spec.requires else []
    wishes += [f"after {', '.join(job.spec.after)}"] if job.spec.after else []
    return sanitise(", ".join(wishes), _LIMIT)


def job_facts(story: JobStory, now: float) -> list[Fact]:
    """What is known of a job; `now` is Unix seconds."""
    job, spec = story.job, story.job.spec
    facts = [Fact("", f"{job_title(spec)}", is_strong=True), Fact("", _standing(job, now), _STATUS[job.state].value)]
    if spec.title and spec.command:
        facts.append(Fact("command", sanitise(" ".join(spec.command), _LIMIT)))
    wishes = [spec.requires, f"on {spec.node}" if spec.node else "", "repeatable" if spec.repeatable else ""]
    if any(wishes):
        facts.append(Fact("requires", sanitise(", ".join(filter(None, wishes)), _LIMIT)))
    if spec.workflow:
        facts.append(Fact("workflow", sanitise(f"{spec.workflow}, step {spec.step}, run {spec.run}", _LIMIT)))
    if job.waited >= 1:
        facts.append(Fact("waited", f"{span(job.waited)} for an answer"))
    facts += labelled("why", [sanitise(reason, _LIMIT) for reason in story.reasons])
    facts += labelled("nodes", [verdict_words(verdict) for verdict in story.verdicts])
    return facts + labelled("before", [attempt_words(attempt) for attempt in story.attempts if attempt.ended])


def _standing(job: Job, now: float) -> str:
    where = f" on {job.node}/{job.session}" if job.session else f" on {job.node}" if job.node else ""
    if job.is_final:
        ran = f", ran {span(job.ended - job.started)}" if job.started and job.ended else ""
        code = f", exit code {job.code}" if job.code else ""
        return sanitise(f"{job.state}{code}{where} {span(now - (job.ended or job.changed))} ago{ran}", _LIMIT)
    attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
    stopping = ", asked to stop" if job.cancel_asked else ""
    return sanitise(f"{job.state}{where} for {span(now - job.changed)}{attempt}{stopping}", _LIMIT)


def story_facts(story: JobStory) -> list[Fact]:
    """All that happened to a job, for the panel that says why it is where it is."""
    reasons = [sanitise(reason, _LIMIT) for reason in story.reasons] or [f"it is {story.job.state}"]
    events = [
        f"{time.strftime('%H:%M:%S', time.localtime(event.at))}  {event.state:<9}  {sanitise(event.detail, _LIMIT)}"
        for event in story.events
    ]
    return [
        *labelled("why", reasons),
        *labelled("nodes", [verdict_words(verdict) for verdict in story.verdicts]),
        *labelled("attempts", [attempt_words(attempt) for attempt in story.attempts]),
        *labelled("events", events),
    ]


def labelled(label: str, texts: Sequence[str]) -> list[Fact]:
    """Lines below one another, the first with their label."""
    return [Fact(label if not index else " ", text) for index, text in enumerate(texts)]


def verdict_words(verdict: NodeVerdict) -> str:
    return sanitise(f"{verdict.alias}: {'; '.join(verdict.reasons) or 'it can'}", _LIMIT)


def attempt_words(attempt: Attempt) -> str:
    where = f"{attempt.node}/{attempt.session}" if attempt.session else attempt.node
    code = "" if attempt.code is None else f", exit code {attempt.code}"
    return sanitise(f"{attempt.attempt}: {where} {attempt.outcome or 'under way'}{code}", _LIMIT)
