"""Jobs through real nodes: placed where they can run, followed to one result, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from node_agent.protocol.asks import AnswerAsk
from node_agent.protocol.ids import SessionId
from node_agent.protocol.sessions import StopSession
from relaytui.config import Config, NodeConfig, Transport, UiConfig
from relaytui.fleet.keys import SessionKey
from relaytui.hub.core import Core
from relaytui.hub.jobs.dispatcher import READY_PAGE, JobDispatcher
from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.queue import JobQueue
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import JobState
from tests.harness import Node, running_node

pytestmark = pytest.mark.timeout(90)


class Place:
    """Nodes, a queue and the dispatchers on it."""

    def __init__(self, root: Path, nodes: dict[str, Node], configs: Sequence[NodeConfig]) -> None:
        self.root = root
        self.nodes = nodes
        self.config = Config(operator="ann")
        self.configure(*configs)
        self.queue: JobQueue = SqliteQueue(root / "queue.db")
        self.cores: list[Core] = []

    def configure(self, *nodes: NodeConfig) -> None:
        """Have these nodes, and not the machine's own one."""
        object.__setattr__(self.config, "nodes", nodes)

    @asynccontextmanager
    async def dispatcher(
        self, lost_after: float = 600.0, slots: Mapping[str, int] | None = None, holder: str = ""
    ) -> AsyncIterator[JobDispatcher]:
        """One more dispatcher, as of a hub of its own."""
        queue = SqliteQueue(self.root / "queue.db")
        core = Core(self.config, cache=self.root / f"cache{len(self.cores)}")
        self.cores.append(core)
        dispatcher = JobDispatcher(core, queue, holder=holder, lost_after=lost_after, slots=slots)
        await core.start()
        await dispatcher.start()
        try:
            yield dispatcher
        finally:
            await dispatcher.stop()
            await core.stop()
            queue.close()

    def submit(self, *command: str, **options: object) -> str:
        return self.queue.submit(JobSpec(command=command, **options), time.time()).id  # type: ignore[arg-type]  # tests name its fields

    async def until(self, job: str, fact: Callable[[Job], bool], seconds: float = 40.0) -> Job:
        deadline = time.monotonic() + seconds
        while not fact(found := self.queue.get(job)):
            assert time.monotonic() < deadline, f"{found}\n{self.queue.events(job=job)}"
            await asyncio.to_thread(self.queue.wait, 0.5)
        return found

    async def ended(self, *jobs: str) -> list[Job]:
        return [await self.until(job, lambda found: found.is_final) for job in jobs]


@asynccontextmanager
async def open_place(root: Path, **tags: tuple[str, ...]) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        nodes = {alias: await stack.enter_async_context(running_node(root / alias)) for alias in tags}
        configs = [
            NodeConfig(alias, transport=Transport.UNIX, socket=str(node.paths.agent_socket), tags=tags[alias])
            for alias, node in nodes.items()
        ]
        place = Place(root, nodes, configs)
        stack.callback(place.queue.close)
        yield place


ASKER = """
import os, select, sys, tty
tty.setraw(0)
heard = b""
while not heard.endswith(b"\\a"):  # a question that is over a second old gets no answer
    if not heard:
        os.write(1, b"\\033]11;?\\a")
    if select.select([0], [], [], 2.0)[0]:
        heard += os.read(0, 4096)
sys.exit(0 if b"rgb:fafa/fafa/f0f0" in heard else 3)
"""


async def test_a_job_answers_with_the_operators_colours(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place:
        object.__setattr__(place.config, "ui", UiConfig(background="#fafaf0"))
        async with place.dispatcher():
            (job,) = await place.ended(place.submit("python3", "-c", ASKER))
    assert (job.state, job.code) == (JobState.DONE, 0)


async def test_each_job_runs_where_its_requirement_holds(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=("fast",), two=("big",)) as place, place.dispatcher() as dispatcher:
        fast = place.submit("true", requires="fast")
        big = place.submit("sh", "-c", "exit 3", requires="big, mem>=1M")
        nowhere = place.submit("true", requires="fast, big")
        jobs = await place.ended(fast, big)
        assert [(job.node, job.state, job.code) for job in jobs] == [
            ("one", JobState.DONE, 0),
            ("two", JobState.FAILED, 3),
        ]
        waiting = place.queue.get(nowhere)
        assert waiting.state is JobState.QUEUED
        why = {verdict.alias: verdict.reasons for verdict in (await dispatcher.explain(waiting)).verdicts}
        assert why == {"one": ("needs big",), "two": ("needs fast",)}


async def test_a_question_is_answered_and_the_result_says_how_long_it_waited(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        job = place.submit("sh", "-c", 'printf "Proceed? [y/n] "; read a; test "$a" = y')
        asking = await place.until(job, lambda found: found.state is JobState.ASKING)
        core = place.cores[0]
        ask = core.fleet.sessions[SessionKey("one", asking.session)].info.ask  # type: ignore[arg-type]  # a session's id
        assert ask is not None
        await core.request("one", AnswerAsk(ask.id, "answer 1", text="y"))
        (done,) = await place.ended(job)
        assert done.state is JobState.DONE
        assert 0 < done.waited < 60


async def test_a_job_is_retried_then_failed_and_each_attempt_is_kept(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        (job,) = await place.ended(place.submit("sh", "-c", "exit 4", retries=1, backoff=0.01))
        assert (job.state, job.code, job.attempt) == (JobState.FAILED, 4, 2)
        attempts = place.queue.attempts(job.id)
        assert len({attempt.session for attempt in attempts}) == 2


async def test_cancel_and_limits_end_the_session_and_say_so(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        cancelled = place.submit("sleep", "600")
        await place.until(cancelled, lambda found: found.state is JobState.RUNNING)
        place.queue.cancel(cancelled, time.time())
        overdue = place.submit("sleep", "600", run_limit=0.5)
        unanswered = place.submit("sh", "-c", 'printf "Name: "; read a', ask_limit=0.5)
        jobs = await place.ended(cancelled, overdue, unanswered)
        assert [job.state for job in jobs] == [JobState.CANCELLED, JobState.EXPIRED, JobState.EXPIRED]


async def test_what_cannot_start_fails_with_the_nodes_reason(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        (job,) = await place.ended(place.submit("no-such-program"))
        assert job.state is JobState.FAILED
        assert "no-such-program" in job.reason


async def test_killed_dispatchers_and_agents_leave_one_result(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=(), two=()) as place:
        script = f'echo "$RELAY_JOB" >>{tmp_path}/runs; sleep 2'
        async with place.dispatcher():
            jobs = [place.submit("sh", "-c", script) for _ in range(4)]
            await place.until(jobs[0], lambda found: found.state is JobState.RUNNING)
        await place.nodes["one"].kill_agent()
        async with place.dispatcher(), place.dispatcher():
            ended = await place.ended(*jobs)
        assert {job.state for job in ended} == {JobState.DONE}
        assert sorted((tmp_path / "runs").read_text().split()) == sorted(jobs)


async def test_two_hubs_do_not_overfill_a_node(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place:
        script = f"mkdir {tmp_path}/slot && sleep 0.2 && rmdir {tmp_path}/slot"
        slots = {"one": 1}
        async with place.dispatcher(slots=slots), place.dispatcher(slots=slots):
            jobs = await place.ended(*(place.submit("sh", "-c", script) for _ in range(8)))
        assert {job.state for job in jobs} == {JobState.DONE}, jobs


async def test_dispatchers_that_follow_the_same_attempts_do_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when one wakes after a sleep, its claims being another's by now: both act on what they have just read."""
    async with open_place(tmp_path, one=()) as place:
        script = f'echo "$RELAY_JOB" >>{tmp_path}/runs; printf "Name: "; read -r name; exit "$name"'
        async with (
            place.dispatcher(holder="same"),
            place.dispatcher(holder="same"),
            place.dispatcher(holder="same"),
        ):
            jobs = [place.submit("sh", "-c", script) for _ in range(6)]
            for number, job in enumerate(jobs):
                asking = await place.until(job, lambda found: found.state is JobState.ASKING)
                ask = place.cores[0].fleet.sessions[SessionKey("one", SessionId(asking.session))].info.ask
                assert ask is not None
                await place.cores[0].request("one", AnswerAsk(ask.id, f"answer {job}", text=str(number % 2)))
            ended = await place.ended(*jobs)
        assert [job.state for job in ended] == [JobState.DONE, JobState.FAILED] * 3
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []  # none has given up
        assert sorted((tmp_path / "runs").read_text().split()) == sorted(jobs)


async def test_jobs_that_no_node_can_run_hold_up_no_other(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place:
        for _ in range(2 * READY_PAGE):
            place.submit("true", requires="unicorn", priority=1)
        behind = place.submit("true")
        async with place.dispatcher():
            (job,) = await place.ended(behind)
        assert job.state is JobState.DONE


async def test_a_silent_nodes_job_is_lost_unless_it_may_be_repeated(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=(), two=()) as place, place.dispatcher(lost_after=1.0):
        once = place.submit("sleep", "600", node="one")
        await place.until(once, lambda found: found.state is JobState.RUNNING)  # what is preferred is there by now
        again = place.submit("sh", "-c", f"test -e {tmp_path}/go || sleep 600", prefer=("one",), repeatable=True)
        await place.until(again, lambda found: found.state is JobState.RUNNING)
        (tmp_path / "go").touch()
        agent = place.nodes["one"].agent_pid()
        keeper = int((place.nodes["one"].paths.state / "keeper.lock").read_text())
        for pid in (keeper, agent):  # the keeper would start another agent
            os.kill(pid, signal.SIGSTOP)
        try:
            lost, repeated = await place.ended(once, again)
        finally:
            for pid in (agent, keeper):
                os.kill(pid, signal.SIGCONT)
        assert (lost.state, lost.node) == (JobState.LOST, "one")
        assert "cannot be known" in lost.reason
        assert (repeated.state, repeated.node) == (JobState.DONE, "two")
        core = place.cores[0]
        sessions = core.fleet.sessions
        given_up = next(key for key, view in sessions.items() if view.info.job == again and key.node == "one")
        kept = next(key for key, view in sessions.items() if view.info.job == once)
        deadline = time.monotonic() + 30
        while sessions[given_up].info.exit is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert sessions[kept].info.exit is None
        await core.request("one", StopSession(kept.id))


async def test_a_killed_keepers_job_provably_runs_no_more(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        once = place.submit("sleep", "600")
        again = place.submit("sh", "-c", f"test -e {tmp_path}/go || sleep 600", retries=1)
        for job in (once, again):
            await place.until(job, lambda found: found.state is JobState.RUNNING)
        (tmp_path / "go").touch()
        os.kill(int((place.nodes["one"].paths.state / "keeper.lock").read_text()), signal.SIGKILL)
        lost, repeated = await place.ended(once, again)
        assert (lost.state, repeated.state) == (JobState.LOST, JobState.DONE)
        assert "keeper" in lost.reason


async def test_a_job_gets_what_the_one_it_needs_wrote(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        first = place.submit("sh", "-c", 'echo "version=1 2" >>"$RELAY_OUTPUT"', workflow="w", step="build")
        spec = JobSpec(script='test ${build.version} = "1 2"', workflow="w", step="test", after=(first,))
        (job,) = await place.ended(place.queue.submit(spec, time.time()).id)
        assert job.state is JobState.DONE


async def test_what_another_step_wrote_is_not_run(tmp_path: Path) -> None:
    async with open_place(tmp_path, one=()) as place, place.dispatcher():
        written = f"subject=fix $(touch {tmp_path}/ran) '; touch {tmp_path}/ran; '"
        first = place.submit("sh", "-c", 'printf "%s\\n" "$0" >"$RELAY_OUTPUT"', written, workflow="w", step="build")
        script = """printf '%s\n' ${build.subject} "${build.subject}" '${build.subject}' >"$OUT\""""
        env = {"OUT": str(tmp_path / "out")}
        spec = JobSpec(script=script, env=env, workflow="w", step="test", after=(first,))
        (job,) = await place.ended(place.queue.submit(spec, time.time()).id)
        assert job.state is JobState.DONE
        assert (tmp_path / "out").read_text() == f"{written.removeprefix('subject=')}\n" * 3
        assert not (tmp_path / "ran").exists()
