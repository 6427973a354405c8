"""What becomes of an attempt, in any order of what nodes do, dispatchers see and messages are lost, late or doubled.

The queue is real, and so is the rule by which nodes admit starts; nodes and dispatchers are played.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from node_agent.core.job_starts import Start, StartRefused, admit
from node_agent.protocol.entities import ExitInfo, SessionInfo
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import Attention, SessionState
from relaytui.hub.jobs.following import Advance, Decision, Requeue, Stop, follow, never_started, out_of_sight
from relaytui.hub.jobs.model import Job, JobSpec
from relaytui.hub.jobs.queue import CLAIM_SECONDS
from relaytui.hub.jobs.sqlite import SqliteQueue
from relaytui.hub.jobs.states import ATTEMPTING, FINAL, TRANSITIONS, ForbiddenTransition, JobState


def session_of(token: int, now: float) -> SessionInfo:
    return SessionInfo(
        SessionId(f"s{token}"),
        "",
        ("x",),
        "/",
        80,
        24,
        started=now,
        age=0.0,
        state=SessionState.RUNNING,
        attention=Attention.WORKING,
        attention_age=0.0,
        token=token,
    )


class PlayedNode:
    """One node: what it was asked to start and to give up, and how its sessions fare."""

    def __init__(self) -> None:
        self.fenced: set[int] = set()
        self.told: dict[int, list[SessionInfo]] = {}  # by token, everything it ever said of the session

    def now(self, token: int) -> SessionInfo | None:
        return self.told[token][-1] if token in self.told else None

    @property
    def running(self) -> list[int]:
        return [token for token, told in self.told.items() if told[-1].exit is None]

    def start(self, token: int, now: float) -> SessionInfo | None:
        tokens = {token, *self.fenced, *self.told}
        known = [Start(each, f"s{each}" if each in self.told else "", each in self.fenced) for each in tokens]
        try:
            admit("j", token, [start for start in known if start.token != token or start.session or start.is_fenced])
        except StartRefused:
            return None
        if token not in self.told:
            if self.running:
                return None
            self.told[token] = [session_of(token, now)]
        return self.now(token)

    def tell(self, token: int, info: SessionInfo) -> None:
        self.told[token].append(info)


class Life:
    """One job from its submission on, and what may happen to it: each method of `EVENTS` with a number to choose by."""

    def __init__(self, directory: Path, spec: JobSpec) -> None:
        self.queue = SqliteQueue(directory / "queue.db")
        self.queue._db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
        self.time = 1000.0
        self.nodes = [PlayedNode(), PlayedNode()]
        self.seen: list[Job] = []  # every state of the job that a dispatcher ever read
        self.job = self.queue.submit(spec, self.time).id

    @property
    def current(self) -> Job:
        job = self.queue.get(self.job)
        if not self.seen or self.seen[-1] != job:
            self.seen.append(job)
        return job

    # What dispatchers do: `number` says how old the picture is they act on --------------------------------------------

    def go_on(self, number: int) -> None:
        """What a dispatcher does that nothing disturbs."""
        match self.current.state:
            case JobState.QUEUED:
                self.time += 50.0
                self.place(number)
            case JobState.PLACED | JobState.STARTING:
                self.begin(0)
            case _:
                self.look(0)

    def wait(self, number: int) -> None:
        self.time += (0.1, 5.0, CLAIM_SECONDS + 1, 40.0)[number]
        self.queue.adopt("another", self.time)

    def place(self, number: int) -> None:
        if self.queue.ready(self.time):
            self.queue.place(self.job, str(number % 2), "one", self.time, slots=1)

    def begin(self, number: int, *, is_heard: bool = True) -> None:
        """Start an attempt as a dispatcher last saw it, perhaps long ago, perhaps a second time."""
        job = self._seen(number)
        if job.session or job.state not in (JobState.PLACED, JobState.STARTING):
            return
        if job.state is JobState.PLACED and not self._advance(job, Advance(JobState.STARTING)):
            return
        info = self._node(job).start(job.token, self.time)
        if info is not None and is_heard:
            self._joined(job, info)

    def begin_unheard(self, number: int) -> None:
        self.begin(number, is_heard=False)

    def fence(self, number: int, *, is_heard: bool = True) -> None:
        job = self._seen(number)
        if job.state is not JobState.STARTING or job.session:
            return
        node = self._node(job)
        node.fenced.add(job.token)
        info = node.now(job.token)
        if is_heard and info is not None:
            self._joined(job, info)
        elif is_heard:
            self._apply(job, never_started(job, "it has no such session"))

    def fence_unheard(self, number: int) -> None:
        self.fence(number, is_heard=False)

    def look(self, number: int) -> None:
        """Follow the job as it was seen, with what its node said then or since."""
        job = self._seen((0, 0, 2, 5)[number])
        if job.state in ATTEMPTING and job.session:
            told = self._node(job).told[job.token]
            info = told[max(0, len(told) - 1 - number)]
            self._apply(job, follow(job, info, self.time - info.started, self.time))

    def lose_sight(self, number: int) -> None:
        job = self.current
        if job.state in ATTEMPTING and job.state is not JobState.PLACED:
            self._apply(job, out_of_sight(job, 10.0 if number < 3 else 700.0, 600.0, "lost"))

    def cancel(self, number: int) -> None:
        if number == 3:
            self.queue.cancel(self.job, self.time)

    # What nodes do ----------------------------------------------------------------------------------------------------

    def ask(self, number: int) -> None:
        self._tell(number, lambda info: replace(info, attention=Attention.ASKING))

    def answer(self, number: int) -> None:
        self._tell(number, lambda info: replace(info, attention=Attention.WORKING))

    def end_well(self, number: int) -> None:
        self._tell(number, lambda info: self._ended(info, 0))

    def end_badly(self, number: int) -> None:
        self._tell(number, lambda info: self._ended(info, 3))

    def lose(self, number: int) -> None:
        lost = ExitInfo(None, None, self.time, "keeper killed")
        self._tell(number, lambda info: replace(info, state=SessionState.LOST, exit=lost))

    def _tell(self, number: int, change: Callable[[SessionInfo], SessionInfo]) -> None:
        running = [(node, token) for node in self.nodes for token in node.running]
        if running:
            node, token = running[number % len(running)]
            node.tell(token, change(node.told[token][-1]))

    def _ended(self, info: SessionInfo, code: int) -> SessionInfo:
        exit_info = ExitInfo(code, None, self.time)
        return replace(info, state=SessionState.EXITED, attention=Attention.EXITED, exit=exit_info)

    # How a dispatcher carries out what was decided --------------------------------------------------------------------

    def _seen(self, back: int) -> Job:
        now = self.current
        return self.seen[max(0, len(self.seen) - 1 - back)] if back else now

    def _node(self, job: Job) -> PlayedNode:
        return self.nodes[int(job.node)]

    def _joined(self, job: Job, info: SessionInfo) -> None:
        if not job.session:
            self._advance(job, Advance(JobState.RUNNING), session=info.id)

    def _apply(self, job: Job, decision: Decision) -> None:
        match decision:
            case Advance():
                self._advance(job, decision)
            case Requeue(detail, delay, failed):
                self.queue.requeue(job.id, job.token, self.time, self.time + delay, detail, failed=failed)
            case Stop():
                node = self._node(job)
                info = node.now(job.token)
                if info is not None and info.exit is None:
                    node.tell(job.token, self._ended(info, 143))
            case None:
                pass

    def _advance(self, job: Job, decision: Advance, session: str | None = None) -> bool:
        try:
            return self.queue.advance(
                job.id,
                job.token,
                decision.state,
                self.time,
                detail=decision.detail,
                session=session,
                code=decision.code,
                waited=decision.waited,
            )
        except ForbiddenTransition:
            return False  # somebody else has moved it on

    # What must hold ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        job = self.current
        events = [event for event in self.queue.events(job=self.job) if event.detail != "asked to cancel"]
        states = [event.state for event in events]
        assert all(after in TRANSITIONS[before] for before, after in itertools.pairwise(states)), states
        assert sum(state in FINAL for state in states) <= 1
        assert job.state is states[-1]
        running = sum(len(node.running) for node in self.nodes)
        assert job.spec.repeatable or running <= (job.state is not JobState.QUEUED)
        assert job.failures <= job.spec.retries
        if job.is_final:
            self._check_result(job)

    def _check_result(self, job: Job) -> None:
        """The result is what the node said of the attempt it names."""
        info = self._node(job).now(job.token) if job.node else None
        if job.state in (JobState.DONE, JobState.FAILED):
            assert info is not None
            assert info.exit is not None
            assert info.exit.code == job.code
            assert (job.code == 0) is (job.state is JobState.DONE)
        else:
            assert job.reason
        assert job.ended is not None
        assert job.waited >= 0


EVENTS = (
    *(Life.go_on,) * 4,
    Life.wait,
    Life.place,
    Life.begin,
    Life.begin_unheard,
    Life.fence,
    Life.fence_unheard,
    *(Life.look,) * 2,
    Life.lose_sight,
    Life.cancel,
    Life.ask,
    Life.answer,
    Life.end_well,
    Life.end_badly,
    Life.lose,
)
Happening = tuple[Callable[[Life, int], None], int]


def _any_happenings(seed: int) -> list[Happening]:
    """Each event as likely as any other, which leads deeper than a search for small examples."""
    chance = random.Random(seed)
    return [(chance.choice(EVENTS), chance.randrange(4)) for _ in range(40)]


_happenings = st.one_of(
    st.integers(0, 2**32).map(_any_happenings),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 3)), min_size=20, max_size=50),
)
_specs = st.builds(
    JobSpec,
    command=st.just(("x",)),
    repeatable=st.booleans(),
    retries=st.integers(0, 2),
    backoff=st.just(5.0),
    run_limit=st.sampled_from([0.0, 0.0, 30.0]),
    ask_limit=st.sampled_from([0.0, 0.0, 30.0]),
)


@settings(max_examples=150)
@given(_specs, _happenings)
def test_whatever_happens_in_whatever_order_a_job_has_one_true_result(
    spec: JobSpec, happenings: list[Happening]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        life = Life(Path(directory), spec)
        try:
            for happen, number in happenings:
                happen(life, number)
                life.check()
        finally:
            life.queue.close()
