"""Keeps an agent alive: starts one when none is connected, and kills one that has gone silent.

An agent that was started by hand counts as well as one of ours. It shows by a watched connection, on which it pings
from its event loop, so that a hung agent is silent and a busy one is not.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Callable, Collection, Dict, Optional, Sequence

from node_agent.keeper.detach import ALREADY_RUNNING
from node_agent.keeper.log import log
from node_agent.keeper.loop import Loop, Timer
from node_agent.keeper.peer import Peer
from node_agent.keeper.processes import signal_process

BACKOFF_FIRST, BACKOFF_MOST = 0.1, 30.0
SETTLED_AFTER = 30.0
"""An agent that was connected this long did not fail at its start: the backoff begins anew."""
ANOTHER_STARTS = 2.0
"""Seconds until the next try where ours found the lock held: another agent starts, or has not quite ended."""
FIRST_PAUSE = 1.0
"""Whoever starts a keeper is most often an agent, and is about to connect."""
SILENCE = 10.0
FIRST_WORD = 30.0
_LOOK_EVERY = 2.5


class AgentWatch:
    """`peers` gives the connections at a moment; `argv` is the agent's command, empty when none is to be kept."""

    def __init__(self, loop: Loop, peers: Callable[[], Collection[Peer]]) -> None:
        self.argv: Sequence[str] = ()
        self.pid: Optional[int] = None
        self._loop = loop
        self._peers = peers
        self._started = 0.0
        self._backoff = BACKOFF_FIRST
        self._restart: Optional[Timer] = None
        self._look: Optional[Timer] = None

    def keep(self, argv: Sequence[str]) -> None:
        """Have `argv` run from now on; the one that runs goes on."""
        self.argv = tuple(argv)
        self.peers_changed()

    def peers_changed(self) -> None:
        """Somebody came or left."""
        if self._is_watching_somebody and self._look is None:
            self._look = self._loop.call_after(_LOOK_EVERY, self._check)
        if self._watched and self._restart is not None:
            self._restart.cancel()
            self._restart = None
        self._wait(self._pause())

    def reaped(self, pid: int, status: int) -> bool:
        """A child has ended; whether it was the agent."""
        if pid != self.pid:
            return False
        log(f"the agent ({pid}) has ended with status {status}")
        self.pid = None
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == ALREADY_RUNNING:
            self._wait(ANOTHER_STARTS)
        else:
            self._backoff = min(BACKOFF_MOST, self._backoff * 2)
            self.peers_changed()
        return True

    def end(self) -> None:
        """Keep no agent any longer and end ours."""
        self.argv = ()
        if self.pid is not None:
            signal_process(self.pid, signal.SIGTERM)

    @property
    def _watched(self) -> Collection[Peer]:
        return [peer for peer in self._peers() if peer.watched]

    @property
    def _is_watching_somebody(self) -> bool:
        return self.pid is not None or bool(self._watched)

    def _pause(self) -> float:
        return FIRST_PAUSE if self._started == 0.0 else self._backoff

    def _wait(self, pause: float) -> None:
        """Start one in `pause` seconds unless there is one, or its start is set for another time."""
        if self.argv and self.pid is None and not self._watched and self._restart is None:
            self._restart = self._loop.call_after(pause, self._start)

    def _start(self) -> None:
        self._restart = None
        if not self.argv or self.pid is not None or self._watched:
            return
        self._started = self._loop.now()
        try:
            self.pid = os.posix_spawnp(
                self.argv[0],
                list(self.argv),
                os.environ,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                setpgroup=0,
                setsigdef=[signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ],
            )
        except OSError as error:
            log(f"cannot start the agent {self.argv[0]}: {error.strerror}")
            self._backoff = min(BACKOFF_MOST, self._backoff * 2)
        self.peers_changed()

    def _check(self) -> None:
        self._look = None
        now = self._loop.now()
        for peer in list(self._watched):
            if now - peer.heard > SILENCE:
                log(f"the agent ({peer.pid}) was silent for {SILENCE:g} s: killing it")
                signal_process(peer.pid, signal.SIGKILL)
                peer.close()
        if any(now - peer.came >= SETTLED_AFTER for peer in self._watched):
            self._backoff = BACKOFF_FIRST
        connected = {peer.pid for peer in self._watched}
        if self.pid is not None and self.pid not in connected and now - self._started > FIRST_WORD:
            log(f"the agent ({self.pid}) has not connected: killing it")
            signal_process(self.pid, signal.SIGKILL)
        self.peers_changed()

    # Upgrade

    def dump(self) -> Dict[str, Any]:
        return {"argv": list(self.argv), "pid": self.pid, "started": self._started, "backoff": self._backoff}

    def restore(self, fields: Dict[str, Any]) -> None:
        self.pid, self._started, self._backoff = fields["pid"], fields["started"], fields["backoff"]
        self.keep(fields["argv"])
