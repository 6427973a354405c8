"""The jobs screen: what runs, waits and ended, why, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.ids import AskId
from node_agent.protocol.logs import LogLines, ReadLogs
from node_agent.protocol.message import Request
from relaytui.fleet.keys import SessionKey
from relaytui.hub.jobs.model import Attempt, Job, JobEvent, JobSpec
from relaytui.hub.jobs.placement import NodeVerdict
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.states import JobState
from relaytui.hub.jobs.story import JobStory
from relaytui.screens.services import Services
from tests.console.driver import Operator, at_console
from tests.console.scripted import ScriptedSource, confirm

NOW = time.time()


def job(name: str, state: JobState, *command: str, title: str = "", **fields: Any) -> Job:
    spec = {key: fields.pop(key) for key in ("requires", "after", "priority", "workflow", "step") if key in fields}
    made = JobSpec(command, title=title, **spec)
    return Job(name, made, state, fields.pop("submitted", NOW - 900), fields.pop("changed", NOW - 60), **fields)


ASKING = job("a1", JobState.ASKING, "ssh", "deploy", node="gpu", session="c9", started=NOW - 300)
RUNNING = job("r1", JobState.RUNNING, "make", title="nightly build", node="gpu", session="7c", started=NOW - 720)
QUEUED = job("q1", JobState.QUEUED, "python", "train.py", requires="gpu, mem>=128G", priority=5)
LATER = job("q2", JobState.QUEUED, "make", "docs", after=("r1",))
FAILED = job("f1", JobState.FAILED, "make", "test", node="gpu", session="e2", ended=NOW - 300, code=2, reason="code 2")


class Board:
    """A queue that does what a test says."""

    def __init__(self, *jobs: Job) -> None:
        self.all: Sequence[Job] = jobs
        self.asked: list[tuple[str, str]] = []
        self.trouble = ""

    async def jobs(self) -> Sequence[Job]:
        if self.trouble:
            raise QueueError(self.trouble)
        return self.all

    async def story(self, job: str) -> JobStory:
        found = next(each for each in self.all if each.id == job)
        verdicts = (NodeVerdict("gpu", ("memory is 64G, needs 128G",)), NodeVerdict("local", ()))
        lost = Attempt(job, 1, 1, "gpu", "7b", NOW - 900, NOW - 800, "lost: keeper killed", None)
        placed = JobEvent(1, job, NOW - 890, JobState.PLACED, "on gpu")
        is_queued = found.state is JobState.QUEUED
        return JobStory(found, (lost,), (placed,), ("needs job r1",), verdicts if is_queued else ())

    async def cancel(self, job: str) -> Job:
        self.asked.append(("cancel", job))
        return next(each for each in self.all if each.id == job)

    async def retry(self, job: str) -> Job:
        self.asked.append(("retry", job))
        copy = Job("f2", next(each for each in self.all if each.id == job).spec, JobState.QUEUED, NOW, NOW)
        self.all = [copy, *self.all]
        return copy


def fleet() -> ScriptedSource:
    source = ScriptedSource("local", "gpu")
    source.session("gpu/c9", "ssh deploy", ask=confirm(id=AskId("k")), lines=["Deploy? [Y/n]"], job="a1")
    source.session("gpu/7c", "nightly build", lines=["Compiling crypto"], job="r1")
    return source


async def at_jobs(operator: Operator, *keys: str) -> Operator:
    """Open the screen, and press keys when the jobs are on it."""
    await operator.press("J")
    await operator.until(lambda: operator.screen_name == "JobsScreen" and operator.sees("before "))
    return await operator.press(*keys)


def services(*jobs: Job) -> tuple[Board, Services]:
    board = Board(*(jobs or (FAILED, QUEUED, RUNNING, LATER, ASKING)))
    return board, Services(jobs=board)


async def test_what_runs_stands_first_then_the_queue_then_what_ended() -> None:
    _, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator)
        assert operator.sees("Jobs   4 open, 1 ended")
        words = ("Running", "ssh deploy", "nightly", "Queue", "train.py", "make docs", "History", "make test")
        lines = [line[:58] for line in operator.lines[2:]]  # what stands beside the list is of the chosen job
        places = [next(at for at, line in enumerate(lines) if word in line) for word in words]
        assert places == sorted(places)


async def test_the_chosen_job_stands_beside_its_session_live() -> None:
    source = fleet()
    _, given = services()
    async with at_console(source, services=given) as operator:
        await at_jobs(operator)
        await operator.until(lambda: operator.sees("Deploy? [Y/n]"))
        assert operator.sees("asking on gpu/c9 for")
        await operator.press("down")
        await operator.until(lambda: operator.sees("Compiling crypto"))
        assert {str(key) for key in source.watched} == {"gpu/7c"}
        await operator.press("escape")
        assert str(operator.focus) == "gpu/7c"


async def test_a_queued_job_says_why_each_node_does_not_run_it() -> None:
    _, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator, "down", "down")
        await operator.until(lambda: operator.sees("gpu: memory is 64G, needs 128G"))
        assert operator.sees("local: it can")
        await operator.press("w")
        await operator.until(lambda: operator.screen_name == "FactsScreen")
        assert operator.sees("Why queued?")
        assert operator.sees("1: gpu/7b lost: keeper killed")
        assert operator.sees("placed     on gpu")


async def test_an_ended_job_is_queued_again_and_the_copy_chosen() -> None:
    board, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator, "R")
        assert operator.message == "job a1 has not ended; x cancels it"
        await operator.press("end", "R")
        await operator.until(lambda: operator.sees("5 open, 1 ended"))
        assert board.asked == [("retry", "f1")]
        assert operator.message == "queued again as f2"
        await operator.until(lambda: any(line.startswith("▸") and "f2" in line for line in operator.lines))


async def test_a_job_is_cancelled_only_on_a_plain_yes() -> None:
    board, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator, "x")
        await operator.until(lambda: operator.sees("Cancel a1 ssh deploy?"))
        await operator.press("enter", "space", "n")
        assert board.asked == []
        await operator.press("x")
        await operator.until(lambda: operator.screen_name == "ConfirmScreen")
        await operator.press("y")
        await operator.until(lambda: board.asked == [("cancel", "a1")])
        await operator.press("end", "x")
        await operator.until(lambda: operator.message == "job f1 has ended; R queues it again")


async def test_jobs_are_filtered_by_state_node_and_words() -> None:
    _, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator, "/", *"state:queued docs", "enter")
        assert operator.sees("make docs")
        assert not operator.sees("train.py")
        await operator.press("escape")
        assert operator.sees("train.py")
        await operator.press("/", *"node:gpu nothing", "enter")
        assert operator.sees("No job passes the filter.")
        await operator.press("escape", "escape")
        assert operator.screen_name == "GridScreen"


async def test_a_jobs_question_is_answered_and_its_log_read_from_here() -> None:
    source = fleet()

    def reply(node: str, request: Request) -> object:
        if isinstance(request, ReadLogs):
            return LogLines(("first line", "last line"))
        return Answered(Outcome.ACCEPTED)

    source.replies = reply
    _, given = services()
    async with at_console(source, services=given) as operator:
        await at_jobs(operator, "space", "y", "enter")
        assert [request.ask for _, request in source.requests if isinstance(request, AnswerAsk)] == ["k"]
        await operator.press("escape", "L")
        await operator.until(lambda: operator.screen_name == "LogsScreen")
        assert operator.sees("last line")


async def test_a_job_whose_session_is_gone_cannot_be_attached() -> None:
    _, given = services()
    async with at_console(fleet(), services=given) as operator:
        await at_jobs(operator, "end", "enter")
        assert operator.message == "job f1 has no session"


@pytest.fixture
def lent_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application be suspended although it has no terminal."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("lent_terminal")
async def test_a_jobs_session_is_attached() -> None:
    attached: list[str] = []

    async def attach(key: SessionKey) -> str:
        attached.append(str(key))
        return "left"

    _, given = services()
    async with at_console(fleet(), services=given, attach=attach) as operator:
        await at_jobs(operator, "down", "enter")
        await operator.until(lambda: attached == ["gpu/7c"])


async def test_jobs_are_found_in_the_palette() -> None:
    _, given = services()
    async with at_console(fleet(), services=given) as operator:
        await operator.press(":", *"train.py")
        assert operator.sees("job q1")
        await operator.press("enter")
        await operator.until(lambda: any(line.startswith("▸") and "q1" in line for line in operator.lines))


async def test_a_queue_that_cannot_be_used_says_so_and_the_palette_opens_without_it() -> None:
    board, given = services()
    board.trouble = "cannot open the job queue: disk I/O error"
    async with at_console(fleet(), services=given) as operator:
        await operator.press("J")
        await operator.until(lambda: operator.sees("cannot open the job queue: disk I/O error"))
        await operator.press("escape", ":")
        assert operator.screen_name == "PickerScreen"
        board.trouble = ""


async def test_without_jobs_it_says_how_to_queue_one() -> None:
    board = Board()
    async with at_console(fleet(), services=Services(jobs=board)) as operator:
        await operator.press("J")
        await operator.until(lambda: operator.sees("`relaytui job submit -- make` queues one"))
    async with at_console(fleet()) as operator:
        await operator.press("J")
        assert operator.message == "this console has no queue; `relaytui job ls` lists jobs"
