"""Sessions between fork and exec: who waits for each, what went wrong, and how long it may take."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable, Dict, List

from node_agent.keeper.control import Refused, SpawnRequest
from node_agent.keeper.inputs import Waiter
from node_agent.keeper.loop import READ, Loop
from node_agent.keeper.processes import signal_process
from node_agent.keeper.session import Session
from node_agent.keeper.spawn import explain_failure

Started = Callable[[Session, List[Waiter]], None]
Failed = Callable[[Session, List[Waiter], Refused, str], None]


class _Start:
    __slots__ = ("deadline", "report", "request", "session", "waiters")

    def __init__(self, session: Session, request: SpawnRequest, report: int, deadline: float) -> None:
        self.session = session
        self.request = request
        self.report = report
        self.deadline = deadline
        self.waiters: List[Waiter] = []


class Starting:
    """`started` and `failed` hear how each start went, once."""

    def __init__(self, loop: Loop, started: Started, failed: Failed) -> None:
        self._loop = loop
        self._started = started
        self._failed = failed
        self._starts: Dict[str, _Start] = {}

    def add(self, session: Session, request: SpawnRequest, report: int, waiter: Waiter) -> None:
        """Watch a fresh child's report."""
        start = _Start(session, request, report, self._loop.now() + request.timeout)
        start.waiters.append(waiter)
        self._follow(start)

    def wait(self, session: Session, waiter: Waiter) -> bool:
        """Have one more wait for a start; False when it is over."""
        start = self._starts.get(session.id)
        if start is None:
            return False
        start.waiters.append(waiter)
        return True

    def settle(self, session: Session) -> None:
        """Its child has ended: take its report now, before anybody hears of an exit."""
        start = self._starts.get(session.id)
        if start is not None:
            self._reported(start)

    def _follow(self, start: _Start) -> None:
        self._starts[start.session.id] = start
        self._loop.watch(start.report, READ, lambda _: self._reported(start))
        self._loop.call_at(start.deadline, lambda: self._too_late(start))

    def _reported(self, start: _Start) -> None:
        report = os.read(start.report, 100)
        self._finish(start)
        if not report:
            self._started(start.session, start.waiters)
        else:
            refused, message = explain_failure(report, start.request.command, start.request.cwd)
            self._failed(start.session, start.waiters, refused, message)

    def _too_late(self, start: _Start) -> None:
        if self._starts.get(start.session.id) is not start:
            return
        signal_process(start.session.pid, signal.SIGKILL)
        self._finish(start)
        message = f"cannot enter {start.request.cwd}: no answer within {start.request.timeout:g} s"
        self._failed(start.session, start.waiters, Refused.CWD_MISSING, message)

    def _finish(self, start: _Start) -> None:
        del self._starts[start.session.id]
        self._loop.forget(start.report)
        os.close(start.report)

    # Upgrade

    def dump(self) -> List[Any]:
        return [
            {
                "session": start.session.id,
                "request": [*start.request],
                "report": start.report,
                "deadline": start.deadline,
                "waiters": start.waiters,
            }
            for start in self._starts.values()
        ]

    def restore(self, rows: List[Any], sessions: Dict[str, Session]) -> None:
        for fields in rows:
            request = SpawnRequest(*fields["request"])
            start = _Start(sessions[fields["session"]], request, fields["report"], fields["deadline"])
            start.waiters = [Waiter(*pair) for pair in fields["waiters"]]
            self._follow(start)
