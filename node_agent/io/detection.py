"""Runs one session's detector: keeps its clock, takes the probes it wants, and hands on what it finds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from node_agent.detect.asks import Ask, is_submit
from node_agent.detect.changes import Change
from node_agent.detect.detector import Detector
from node_agent.detect.evidence import Fact, KernelEvidence, Termios
from node_agent.detect.looks import Look, Op, Seen, Unseen
from node_agent.detect.rules import RuleBook
from node_agent.detect.sight import Sight
from node_agent.io.clock import Clock
from node_agent.io.keeper_client import KeeperClient, KeeperError
from node_agent.io.panes import SessionProber
from node_agent.io.probe import inner_termios
from node_agent.io.rest_watch import RestWatch
from node_agent.io.tasks import Tasks
from node_agent.journal.index import Input, Record, Resize
from node_agent.keeper.control import Cause
from node_agent.protocol.codec import from_wire, to_wire
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind
from node_agent.terminal.engine import Engine, Event, EventKind

if TYPE_CHECKING:
    from node_agent.io.live_session import LiveSession

OnChanges = Callable[["LiveSession", Tuple[Change, ...]], None]

ECHO_FIRST = 0.02
"""Seconds before a look at the kernel, so that the echo of a key does not wait for it."""

SUBMIT = " submit"
"""Ends the cause of input that hands something in, so that the index alone says what input meant."""

PATIENT, REST_MOST = 0.4, 60.0
"""A detector content to wait this many seconds waits longer the longer its session has been quiet, by the square: 0.4 s
after five seconds, 7 s after twenty, a minute after a minute. Meanwhile its pulse is watched: once something in the
session runs, it is looked at."""

LOOK_COST, RESTLESS_SHARE = 12e-6, 0.0002
"""Seconds of processor time a look costs, and the share of a core a session may cost that runs but prints nothing."""

_SUBMITTED, _TYPED = b"\r", b" "


def cause_of(word: str, data: bytes) -> str:
    """The cause under which the keeper records input: why it was typed, and whether it hands something in."""
    return word + SUBMIT if is_submit(data) else word


class Detection:
    """The detector of one session. `since` is the journal offset up to which its past is known to the store."""

    def __init__(
        self,
        session: LiveSession,
        rules: RuleBook,
        clock: Clock,
        keeper: KeeperClient,
        tasks: Tasks,
        on_changes: OnChanges,
        rest: RestWatch,
        restored: Dict[str, Any],
        since: int,
    ) -> None:
        self._session = session
        self._clock = clock
        self._keeper = keeper
        self._tasks = tasks
        self._on_changes = on_changes
        self._rest = rest
        self._since = since
        self._last_input = 0
        self._prober = SessionProber(session.pid, clock, keeper=self._look)
        self._last_termios: Optional[Termios] = None
        self._next_stir = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._armed_for = 0.0
        self._stirred = clock.boot()  # when something last happened
        self._is_probing = False
        self._is_closed = False
        open_ask = ask_from_json(restored["ask"]) if restored.get("ask") else None
        self._detector = Detector(rules, clock.boot(), open_ask, int(restored.get("serial", 0)))
        self._serial = int(restored.get("serial", 0))
        self._detector.on_behind(clock.boot(), True)

    # -- what happens to the session ------------------------------------------------------------------------------

    def on_record(self, record: Record) -> None:
        """The index has input or a resize at the offset the screen has reached."""
        body = record.body
        if record.offset < self._since:
            return
        now = self._stirred = self._clock.boot()
        if isinstance(body, Resize):
            self._detector.on_resize(now)
        elif isinstance(body, Input) and body.seq > self._last_input:
            self._last_input = body.seq
            if not body.cause.startswith(Cause.QUERY.value):
                self._detector.on_input(now, _SUBMITTED if body.cause.endswith(SUBMIT) else _TYPED)

    def on_output(self, offset: int, events: List[Event]) -> None:
        """Output up to `offset` was fed, with `events` in it."""
        if offset <= self._since:
            return
        now = self._stirred = self._clock.boot()
        for event in events:
            if event.kind is not EventKind.HYPERLINK:  # says nothing of what the program is at
                self._detector.on_event(now, event)
        self._detector.on_output(now)
        self._prober.on_output()
        self._arm()

    def on_caught_up(self, has_caught_up: bool) -> None:
        self._detector.on_behind(self._clock.boot(), not has_caught_up)
        self._arm()

    def on_growth(self) -> None:
        """The journal of a screen that is behind it has grown."""
        self._detector.on_growth(self._clock.boot())
        self._arm()

    def on_report(self, state: str, text: str, source: str) -> None:
        self._stirred = self._clock.boot()
        self._detector.on_report(self._stirred, state, text, source)
        self._arm()

    def on_rules(self, rules: RuleBook) -> None:
        self._detector.on_rules(self._clock.boot(), rules)
        self._arm()

    def on_exit(self, how: str) -> None:
        self._detector.on_exit(self._clock.boot(), how)
        self._fire()

    def close(self) -> None:
        self._is_closed = True
        self._rest.leave(self)
        self._prober.close()
        if self._timer is not None:
            self._timer.cancel()

    # -- what is known --------------------------------------------------------------------------------------------

    @property
    def detector(self) -> Detector:
        return self._detector

    def explain(self) -> List[Fact]:
        self._detector.sight(self._engine)  # a screen that decides nothing is read only when somebody asks
        return self._detector.explain(self._clock.boot())

    def to_json(self) -> Dict[str, Any]:
        """What the next agent's detector starts from."""
        ask = self._detector.ask
        self._serial = max(self._serial, ask.serial if ask else 0)
        return {"serial": self._serial, "ask": ask_to_json(ask) if ask else None}

    # -- at rest -------------------------------------------------------------------------------------------------

    def has_moved(self) -> bool:
        """Whether something in the session ran since the last look, and the next one is due."""
        return self._prober.has_moved() and self._clock.boot() >= self._next_stir

    def stir(self) -> None:
        """Look now; the dearer the look, the later the next that is due to restlessness alone."""
        now = self._clock.boot()
        self._next_stir = now + self._prober.looks * LOOK_COST / RESTLESS_SHARE
        self._detector.on_stir(now)
        self._fire()

    # -- how ------------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """See to it that the detector is called when it wants to be."""
        at = self._detector.wake_at
        if at is None or self._is_closed or self._is_probing:
            return
        now = self._clock.boot()
        if at - now >= PATIENT:
            at = max(at, now + min(REST_MOST, (now - self._stirred) ** 2 / REST_MOST))
            if self._prober.can_rest:
                self._rest.watch(self)
        if self._timer is not None:
            if self._armed_for <= at:
                return  # it comes earlier and arms itself again
            self._timer.cancel()
        self._armed_for = at
        self._timer = asyncio.get_running_loop().call_later(max(ECHO_FIRST, at - self._clock.boot()), self._fire)

    def _fire(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_probing or self._is_closed:
            return
        self._rest.leave(self)
        step = self._detector.tick(self._clock.boot(), self._engine)
        if step.changes:
            self._on_changes(self._session, step.changes)
        if step.probe and self._last_termios is not None and self._prober.is_current:
            self._take_evidence(self._prober.last, self._last_termios)
        elif step.probe:
            self._is_probing = True
            self._tasks.spawn(self._probe(), name=f"probe {self._session.model.id}")
        else:
            self._arm()

    @property
    def _engine(self) -> Engine:
        return self._session.emulation.engine

    async def _probe(self) -> None:
        try:
            kernel, termios = await self._evidence()
        except KeeperError:
            return
        finally:
            self._is_probing = False
        self._take_evidence(kernel, termios)

    async def refresh(self) -> None:
        """Look at the kernel now, for somebody who is about to type. Raises KeeperError.

        While the screen is behind what was printed nothing comes of it.
        """
        self._take_evidence(*await self._evidence())

    def sight(self) -> Sight:
        """What is asked on the screen at this moment."""
        return self._detector.sight(self._engine)

    async def _evidence(self) -> Tuple[KernelEvidence, Termios]:
        kernel = await self._prober.probe()
        termios = inner_termios(kernel)
        if termios is None:
            modes = await self._keeper.termios(self._session.model.id)
            termios = Termios(modes.icanon, modes.echo)
        self._last_termios = termios
        return kernel, termios

    def _take_evidence(self, kernel: KernelEvidence, termios: Termios) -> None:
        program = kernel.programs[0].label if kernel.programs else ""
        if program != self._session.model.program:
            self._session.model.program = program
            self._on_changes(self._session, ())
        if self._session.is_behind:
            # The kernel may tell of a question that the screen does not show yet: the output to come brings a new look.
            self._arm()
            return
        self._detector.on_probe(self._clock.boot(), kernel, termios)
        self._fire()

    async def _look(self, look: Look) -> Seen:
        """One look through the keeper, at what this process was refused; what it cannot read, it may not."""
        try:
            if look.op is Op.MEMORY:
                return await self._keeper.mem_read(look.pid, look.address, look.length)
            found = (await self._keeper.proc_read(look.pid, [look.name]))[look.name]
        except KeeperError:
            return Unseen.REFUSED
        return Unseen.REFUSED if found is None else found


def ask_to_json(ask: Ask) -> Dict[str, Any]:
    fields = ask._asdict()
    fields["kind"] = ask.kind.value
    fields["options"] = [to_wire(option) for option in ask.options]
    return fields


def ask_from_json(fields: Dict[str, Any]) -> Ask:
    known = {name: fields[name] for name in Ask._fields if name in fields}
    known["kind"] = AskKind(known["kind"])
    known["options"] = tuple(from_wire(AskOption, option) for option in known["options"])
    return Ask(**known)
