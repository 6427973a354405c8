"""Places queued jobs on nodes and follows each attempt to its one result.

Any number of dispatchers may run on one queue: the queue's claims decide who looks after an attempt, and its fencing
tokens what counts. An attempt is recorded as `starting` before its node is told, so a placed one provably never ran;
what became of a starting one only its node can say, and `job.fence` asks it. A dispatcher keeps nothing that its
successor would need.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, assert_never

from node_agent.protocol.entities import SessionInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.jobs import Fenced, FenceJob, JobOutput, ReadJobOutput
from node_agent.protocol.sessions import SessionReply, StopSession
from relaytui.fleet.changes import Change, NodeChanged, SessionChanged, SessionGone
from relaytui.fleet.keys import SessionKey
from relaytui.hub.core import Core
from relaytui.hub.jobs.following import Advance, Decision, Requeue, Stop, ends, follow, never_started, out_of_sight
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.offers import DEFAULT_SLOTS, offer_of, placement_of
from relaytui.hub.jobs.outputs import keep_output
from relaytui.hub.jobs.placement import NodeOffer, Placement
from relaytui.hub.jobs.queue import ContentGone, JobQueue, NoSuchJob, QueueError
from relaytui.hub.jobs.starting import start_request
from relaytui.hub.jobs.states import ATTEMPTING, ForbiddenTransition, JobState
from relaytui.hub.jobs.transfers import Transfers
from relaytui.hub.jobs.whereabouts import Whereabouts
from relaytui.hub.jobs.workflow import WorkflowError, parse_outputs
from relaytui.link.errors import LinkError
from relaytui.link.tasks import cancel, spawn

P = ParamSpec("P")
T = TypeVar("T")

RENEW_EVERY = 5.0
LOOK_EVERY = 1.0
"""Seconds between looks when nothing is pushed: time limits pass and claims run out without anybody saying so."""

READY_PAGE = 100
"""Jobs that are looked at in one go, twice: those at the queue's head, and the next ones beyond."""

KEPT_SECONDS = 14 * 86400.0
"""How long files stay with their job after its end."""

_DROP_EVERY = 3600.0
_START_SECONDS = 30.0
_STOP_AGAIN = 10.0
_TRY_AGAIN = 5.0

_GAVE_UP = frozenset({JobState.CANCELLED, JobState.EXPIRED})
_UNDECIDED = frozenset(
    {ErrorCode.REFUSED, ErrorCode.KEEPER_GONE, ErrorCode.BUSY, ErrorCode.DISK_FULL, ErrorCode.INTERNAL}
)
"""Refusals of a start that are no fault of the job."""

_log = logging.getLogger(__name__)


class JobDispatcher:
    """Dispatches the jobs of `queue` over the links of `core`, from `start` to `stop`."""

    def __init__(
        self,
        core: Core,
        queue: JobQueue,
        *,
        holder: str = "",
        slots: Mapping[str, int] | None = None,
        lost_after: float = 600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Give a node (by alias) at most `slots` jobs at once, and one silent for `lost_after` seconds up.

        `holder` is whose claims these are; nobody else may use it at the same time.
        """
        self.holder = holder or secrets.token_hex(8)
        self._core = core
        self._queue = queue
        self._lost_after = lost_after
        self._slots = slots or {}
        self._clock = clock
        self._transfers = Transfers(core, queue, self._ask)
        self._thread = ThreadPoolExecutor(1, "job queue")
        self._waiter = ThreadPoolExecutor(1, "job queue wait")
        self._wake = asyncio.Event()
        self._renewed = 0.0
        self._dropped = 0.0
        self._looked_at = READY_PAGE  # jobs before this one have had their turn
        self._busy: dict[int, asyncio.Task[None]] = {}  # by token: one exchange with the node at a time
        self._unreadable: set[str] = set()  # jobs of which that was logged
        self._where = Whereabouts(core.fleet)
        self._stopped: dict[SessionKey, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        self._unsubscribe = self._core.subscribe(self._on_changes)
        self._tasks = [spawn(self._watch_queue(), name="watch job queue"), spawn(self._run(), name="dispatch jobs")]

    async def stop(self) -> None:
        """End dispatching; attempts go on and are followed by the next dispatcher."""
        self._unsubscribe()
        await cancel(*self._tasks, *self._busy.values())
        try:
            await self._ask(self._queue.release, self.holder)
        except QueueError as error:
            _log.warning("claims run out by themselves: %s", error)
        for pool in (self._thread, self._waiter):
            await asyncio.to_thread(pool.shutdown)

    # Waking -----------------------------------------------------------------------------------------------------------

    def _on_changes(self, changes: list[Change]) -> None:
        if any(isinstance(change, NodeChanged | SessionChanged | SessionGone) for change in changes):
            self._wake.set()

    async def _watch_queue(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                if await loop.run_in_executor(self._waiter, self._queue.wait, LOOK_EVERY):
                    self._wake.set()
            except QueueError as error:
                _log.warning("changes of jobs are seen late: %s", error)
                await asyncio.sleep(LOOK_EVERY)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look()
            except QueueError as error:
                _log.warning("jobs wait: %s", error)
                await asyncio.sleep(LOOK_EVERY)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _ask(self, call: Callable[P, T], *values: P.args, **options: P.kwargs) -> T:
        """Call the queue in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: call(*values, **options))

    # Looking ----------------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Do all that can be done now."""
        now = self._clock()
        if now - self._renewed >= RENEW_EVERY or now < self._renewed:
            await self._ask(self._queue.renew, self.holder, now)
            await self._ask(self._queue.adopt, self.holder, now)
            self._renewed = now
        if now - self._dropped >= _DROP_EVERY:
            await self._ask(self._queue.drop_contents, now - KEPT_SECONDS, now)
            self._dropped = now
        await self._ask(self._queue.expire, now)
        held = await self._ask(self._queue.held, self.holder)
        self._where.look(held)
        for job in held:
            if job.token not in self._busy:
                await self._follow(await self._found(job))
        await self._place_ready()
        await self._stop_strays({job.token for job in held})

    async def _place_ready(self) -> None:
        ready = await self._ready()
        if not ready:
            return
        attempts = await self._ask(self._queue.jobs, sorted(ATTEMPTING))
        for job in ready:
            found = placement_of(job.spec, self.offers(attempts))
            if found.fault and job.id not in self._unreadable:
                self._unreadable.add(job.id)
                _log.warning("job %s %s", job.id, found.fault)
            chosen = found.node
            if chosen is None:
                continue
            slots = self._slots.get(chosen, DEFAULT_SLOTS)
            info = self._core.fleet.nodes[chosen].info
            uuid = "" if info is None else info.uuid
            now = self._clock()
            placed = await self._ask(self._queue.place, job.id, chosen, self.holder, now, slots=slots, uuid=uuid)
            if placed is not None:
                attempts.append(placed)
                self._exchange(placed, self._begin(placed))

    async def _ready(self) -> list[Job]:
        """Jobs to place: the queue's head, and in turns what is behind it, which may be all that can run."""
        head = await self._ask(self._queue.ready, self._clock(), READY_PAGE)
        if len(head) < READY_PAGE:
            return head
        beyond = await self._ask(self._queue.ready, self._clock(), READY_PAGE, self._looked_at)
        self._looked_at = self._looked_at + READY_PAGE if len(beyond) == READY_PAGE else READY_PAGE
        return head + beyond

    def offers(self, attempts: list[Job]) -> list[NodeOffer]:
        """All nodes as placement sees them now."""
        now = time.monotonic()
        views = [view for view in self._core.fleet.nodes.values() if not view.duplicate_of]
        return [offer_of(view, self._slots.get(view.alias, DEFAULT_SLOTS), attempts, now) for view in views]

    async def explain(self, job: Job) -> Placement:
        """Where a job would go now, and for each node why not."""
        return placement_of(job.spec, self.offers(await self._ask(self._queue.jobs, sorted(ATTEMPTING))))

    # One attempt ------------------------------------------------------------------------------------------------------

    async def _found(self, job: Job) -> Job:
        """The attempt under the alias that its node has by now."""
        node = self._where.node_of(job)
        if node is None or node.alias == job.node:
            return job
        await self._ask(self._queue.rename_node, job.id, job.token, node.alias)
        _log.info("job %s: its node %s is %s now", job.id, job.node, node.alias)
        return replace(job, node=node.alias)

    async def _follow(self, job: Job) -> None:
        node = self._where.node_of(job)
        if job.state is JobState.PLACED:
            self._exchange(job, self._begin(job))
        elif node is None or not node.status.is_live:
            silent, why = self._where.silence(job, node, time.monotonic())
            await self._apply(job, out_of_sight(job, silent, self._lost_after, why))
        elif not job.session:
            self._exchange(job, self._learn(job) if job.cancel_asked else self._begin(job))
        else:
            view = self._where.session_of(job)
            if view is None:
                self._exchange(job, self._learn(job))
            else:
                decision = follow(job, view.info, view.age(time.monotonic()), self._clock())
                if ends(decision):
                    self._exchange(job, self._finish(job, decision, view.info))
                else:
                    await self._apply(job, decision)

    def _exchange(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except (LinkError, QueueError, RequestError) as error:
                _log.info("job %s: %s", job.id, error)
                await asyncio.sleep(LOOK_EVERY)  # the next look tries again, or finds the node out of sight
            finally:
                del self._busy[job.token]
                self._wake.set()

        self._busy[job.token] = spawn(guarded(), name=f"job {job.id}")

    async def _begin(self, job: Job) -> None:
        """Start an attempt on its node; what is already started there is joined."""
        if job.state is JobState.PLACED:
            node = self._where.node_of(job)
            if job.cancel_asked:
                await self._apply(job, Advance(JobState.CANCELLED, "cancelled before it was started"))
                return
            if node is None or not node.status.is_live:
                await self._apply(job, never_started(job, "the node went away"))
                return
            if not await self._advance(job, JobState.STARTING):
                return
        try:
            if job.spec.carries_files:
                await self._transfers.send(job)
            values = await self._values(job) if job.spec.workflow else {}
            request = start_request(job, values, self._core.config.ui.colors)
            reply: SessionReply = await self._core.request(job.node, request, _START_SECONDS)
        except (WorkflowError, ContentGone) as error:
            await self._apply(job, Advance(JobState.FAILED, str(error)))
        except RequestError as error:
            await self._start_refused(job, error)
        else:
            await self._joined(job, reply.session)

    async def _values(self, job: Job) -> Mapping[tuple[str, str], str]:
        """What the jobs it needs wrote, by step and name."""
        needs = [await self._ask(self._queue.get, need) for need in job.spec.after]
        return {(need.spec.step, name): value for need in needs for name, value in need.outputs.items()}

    async def _start_refused(self, job: Job, error: RequestError) -> None:
        if error.code is ErrorCode.NO_SESSION:
            await self._apply(job, Advance(JobState.LOST, "its session was removed before its end was seen"))
        elif error.code is ErrorCode.STILL_RUNNING:
            await self._apply(job, Requeue(error.message, _TRY_AGAIN))
        elif error.code in _UNDECIDED:
            await self._learn(job, error.message)
        else:
            await self._apply(job, Advance(JobState.FAILED, error.message))

    async def _learn(self, job: Job, why: str = "it has no such session") -> None:
        """Ask the node what became of an attempt; from its answer on, it cannot start any more."""
        try:
            fenced: Fenced = await self._core.request(job.node, FenceJob(job.id, job.token))
        except RequestError as error:
            _log.info("job %s: %s", job.id, error)
            await asyncio.sleep(LOOK_EVERY)
            return
        if fenced.session is not None:
            await self._joined(job, fenced.session)
        elif fenced.started:
            await self._apply(job, Advance(JobState.LOST, "its session was removed before its end was seen"))
        elif job.cancel_asked:
            await self._apply(job, Advance(JobState.CANCELLED, "cancelled before it was started"))
        else:
            requeue = never_started(job, why)
            await self._apply(job, Requeue(requeue.detail, _TRY_AGAIN))

    async def _joined(self, job: Job, session: SessionInfo) -> None:
        if not job.session:
            await self._advance(job, JobState.RUNNING, detail=f"{job.node}/{session.id}", session=session.id)

    async def _apply(self, job: Job, decision: Decision) -> None:
        now = self._clock()
        match decision:
            case None:
                pass
            case Advance(state, detail, code, waited):
                await self._advance(job, state, detail=detail, code=code, waited=waited)
            case Requeue(detail, delay, failed):
                await self._ask(self._queue.requeue, job.id, job.token, now, now + delay, detail, failed=failed)
            case Stop(reason):
                self._stop(SessionKey(job.node, SessionId(job.session)), f"job {job.id} {reason}")
            case _:
                assert_never(decision)

    async def _finish(self, job: Job, decision: Decision, session: SessionInfo) -> None:
        """Record how an attempt ended, once what it printed is kept; a result with the values and files it left."""
        await keep_output(self._core, self._queue, self._ask, job, session, self._clock())
        if not isinstance(decision, Advance) or decision.state not in (JobState.DONE, JobState.FAILED):
            await self._apply(job, decision)
            return
        outputs: JobOutput = await self._core.request(job.node, ReadJobOutput(job.id, job.token))
        state, detail = decision.state, decision.detail
        lacking = await self._transfers.fetch(job)
        if lacking and state is JobState.DONE:
            state, detail = JobState.FAILED, f"it ended well, but {lacking[0]}"
        values = parse_outputs(outputs.text)
        await self._advance(job, state, detail=detail, code=decision.code, waited=decision.waited, outputs=values)

    async def _advance(self, job: Job, state: JobState, **result: Any) -> bool:
        """Move an attempt on from what `job` says it is; False where it is not that any more."""
        try:
            return await self._ask(self._queue.advance, job.id, job.token, state, self._clock(), **result)
        except ForbiddenTransition as error:
            _log.info("job %s: %s: another dispatcher follows it too", job.id, error)
            return False

    # Stopping ---------------------------------------------------------------------------------------------------------

    def _stop(self, key: SessionKey, reason: str) -> None:
        """Ask a node to end a session, again after a while: the request may be lost on its way."""
        now = time.monotonic()
        if now - self._stopped.get(key, -_STOP_AGAIN) >= _STOP_AGAIN:
            self._stopped[key] = now
            _log.info("stopping %s: %s", key, reason)
            spawn(self._request_stop(key), name=f"stop {key}")

    async def _request_stop(self, key: SessionKey) -> None:
        try:
            await self._core.request(key.node, StopSession(key.id))
        except RequestError as error:
            _log.info("%s: %s", key, error)

    async def _stop_strays(self, held: set[int]) -> None:
        """End attempts that were given up and go on all the same, since their node could not be told."""
        for key, view in list(self._core.fleet.sessions.items()):
            info = view.info
            if not info.job or info.exit is not None or info.token in held or self._core.fleet.is_stale(key):
                continue
            try:
                job = await self._ask(self._queue.get, info.job)
            except NoSuchJob:
                continue  # another queue's
            if job.token != info.token or job.state in _GAVE_UP:
                self._stop(key, f"an attempt of job {job.id} that was given up")
