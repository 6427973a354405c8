"""The jobs screen: what runs, what is queued and why, what ended, each beside its session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from node_agent.protocol.ids import SessionId
from relaytui.actions.action import Scope, Situation
from relaytui.fleet.keys import SessionKey
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.queue import QueueError
from relaytui.hub.jobs.story import JobStory
from relaytui.screens.ask_actions import AskActions
from relaytui.screens.confirm import ConfirmScreen
from relaytui.screens.context import Context
from relaytui.screens.facts import FactsScreen
from relaytui.screens.job_rows import Passes, job_facts, job_filter, job_rows, job_title, story_facts
from relaytui.screens.list_actions import ListActions
from relaytui.screens.list_screen import ListScreen
from relaytui.screens.services import JobBoard
from relaytui.widgets.view import Fact, RowView


class JobsScreen(ListScreen):
    """The queue is asked once a second for what changed, never on the console's loop."""

    scope = Scope.JOBS

    def __init__(self, context: Context, board: JobBoard, wanted: str = "") -> None:
        super().__init__(context)
        self.actions: JobActions = JobActions(self, board)
        self.wanted = wanted
        """A job to choose as soon as it is known, "" for none."""
        self.filter = ""
        self._passes: Passes = job_filter("")
        self._board = board
        self._jobs: Sequence[Job] | None = None
        self._story: JobStory | None = None
        self._trouble = ""
        self._is_loading = False

    @property
    def heading(self) -> tuple[str, str]:
        jobs = self._jobs or ()
        ended = sum(job.is_final for job in jobs)
        words = [f"{len(jobs) - ended} open", f"{ended} ended"]
        return "Jobs", ", ".join([*words, f"/{self.filter}"] if self.filter else words)

    @property
    def job(self) -> Job | None:
        """The chosen one."""
        return next((job for job in self._jobs or () if job.id == self.chosen), None)

    @property
    def session(self) -> SessionKey | None:
        job = self.job
        return None if job is None or not job.session else SessionKey(job.node, SessionId(job.session))

    def rows(self, now: float) -> Sequence[RowView]:
        return job_rows(filter(self._passes, self._jobs or ()), time.time())

    def facts(self, now: float) -> Sequence[Fact]:
        if self._trouble:
            return (Fact("", self._trouble, "failed"),)
        job = self.job
        if job is None:
            none = "No job passes the filter." if self._jobs else "No jobs. `relaytui job submit -- make` queues one."
            return () if self._jobs is None else (Fact("", none, "muted"),)
        story = self._story
        return job_facts(story if story is not None and story.job.id == job.id else JobStory(job), time.time())

    def arrange_sessions(self) -> None:
        super().arrange_sessions()
        if not self._is_loading:
            self._is_loading = True
            self.run_worker(self._load(), group="jobs")

    async def _load(self) -> None:
        """Take in what changed in the queue and show it."""
        before = self._jobs, self._story, self._trouble
        try:
            self._jobs, self._trouble = await self._board.jobs(), ""
            if any(job.id == self.wanted for job in self._jobs):
                self.chosen, self.wanted = self.wanted, ""
            self.settle([row.id for row in self.rows(0.0)])
            if self.job is not None and (self._story is None or self._story.job != self.job or not self.job.is_final):
                self._story = await self._board.story(self.chosen)
        except QueueError as error:
            self._trouble = str(error)
        finally:
            self._is_loading = False
        if before != (self._jobs, self._story, self._trouble) and self.is_mounted:
            super().arrange_sessions()

    def set_filter(self, text: str) -> None:
        self.filter = text.strip()
        self._passes = job_filter(text)
        self.arrange_sessions()

    def line_typed(self, text: str) -> None:
        self.set_filter(text)


class JobActions(AskActions, ListActions):
    def __init__(self, jobs: JobsScreen, board: JobBoard) -> None:
        super().__init__(jobs)
        self._jobs = jobs
        self._board = board

    def situation(self) -> Situation:
        job = self._jobs.job
        now = replace(super().situation(), shown=1)
        return now if job is None else replace(now, job=job.id, has_job_ended=job.is_final)

    def _job(self) -> Job:
        job = self._jobs.job
        assert job is not None  # the action's reason has been asked
        return job

    async def do_job_why(self) -> None:
        job = self._job()
        try:
            story = await self._board.story(job.id)
        except QueueError as error:
            self._host.say(str(error), "failed")
            return
        heading = f"Why {job.state}?"
        self._console.push_screen(FactsScreen(self._context, heading, job_title(job.spec), story_facts(story)))

    async def do_job_retry(self) -> None:
        try:
            copy = await self._board.retry(self._job().id)
        except QueueError as error:
            self._host.say(str(error), "failed")
        else:
            self._jobs.wanted = copy.id
            self._host.say(f"queued again as {copy.id}")
            self._host.arrange_sessions()

    def do_job_cancel(self) -> None:
        job = self._job()
        consequence = "It leaves the queue." if not job.session else "Its session is stopped; what it printed stays."

        async def ask() -> None:
            question = ConfirmScreen(self._context, f"Cancel {job.id} {job_title(job.spec)}?", consequence)
            if await self._console.push_screen_wait(question):
                await self._cancel(job)

        self._console.run_worker(ask(), group="confirm")

    async def _cancel(self, job: Job) -> None:
        try:
            found = await self._board.cancel(job.id)
        except QueueError as error:
            self._host.say(str(error), "failed")
        else:
            asked = found.cancel_asked and not found.is_final
            self._host.say(f"{job.id} {'was asked to stop' if asked else f'is {found.state}'}")
            self._host.arrange_sessions()

    def do_job_filter(self) -> None:
        self._jobs.ask_line("filter", "/", self._jobs.filter, "words  state:queued  node:gpu")

    def do_job_close(self) -> None:
        if self._jobs.filter:
            self._jobs.set_filter("")
            return
        key = self.selected
        if key is not None:
            self._desk.go_to(key, self._context.now())
        self._jobs.dismiss()
