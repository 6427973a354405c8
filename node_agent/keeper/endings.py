"""Sessions on their way to an end: asked first, killed after the grace, and then their terminal is let go."""

from __future__ import annotations

from typing import Dict

from node_agent.keeper import processes
from node_agent.keeper.loop import Loop
from node_agent.keeper.session import Session
from node_agent.keeper.terminal import foreground_group

_LOOK_AGAIN = 0.05
_LOOKS = 40
"""How often a session is searched for processes that were forked while it was being killed."""


class Endings:
    """`deadlines` holds when each stopped session is killed, in the loop's seconds."""

    def __init__(self, loop: Loop) -> None:
        self.deadlines: Dict[str, float] = {}
        self._loop = loop

    def stop(self, session: Session, grace: float) -> None:
        """HUP, CONT and TERM now, KILL after `grace` seconds."""
        foreground = foreground_group(session.master) if session.master >= 0 else 0
        processes.hang_up(session.pid if session.is_running else None, foreground)
        self.kill_at(session, self._loop.now() + max(0.0, grace))

    def kill_at(self, session: Session, deadline: float) -> None:
        earlier = self.deadlines.get(session.id)
        if earlier is not None and earlier <= deadline:
            return
        self.deadlines[session.id] = deadline
        self._loop.call_at(deadline, lambda: self._time_is_over(session, deadline))

    def kill(self, session: Session) -> None:
        """KILL every process of the session and let its terminal go."""
        self.deadlines[session.id] = self._loop.now()
        self._kill(session, _LOOKS)

    def _time_is_over(self, session: Session, deadline: float) -> None:
        if self.deadlines.get(session.id) == deadline:
            self.kill(session)

    def _kill(self, session: Session, looks: int) -> None:
        alive = processes.kill_session(session.pid)
        if looks and (alive or session.is_running):
            self._loop.call_after(_LOOK_AGAIN, lambda: self._kill(session, looks - 1))
        else:
            self.deadlines.pop(session.id, None)
            session.drain()
            session.close_terminal()
