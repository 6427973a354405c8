"""Looks through a tmux client at the pane it shows: the pane's processes belong to the server, not to the session.

Owns the asking of tmux. Where the pane's processes may not be looked at, the client's own evidence stands, and text
decides.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import List, Optional

from node_agent.detect.evidence import KernelEvidence, Wait
from node_agent.io.clock import Clock
from node_agent.io.probe import KeeperLook, Prober

CLIENT = "tmux: client"
"""What a client calls itself (comm, proc(5))."""

ASK_AGAIN = 1.0
"""Seconds for which the pane that a client showed is taken for the one it shows: asking costs a process."""

_LIMIT = 2.0


class SessionProber:
    """Looks at one session's foreground group, and where that is a tmux client at the pane in it."""

    def __init__(self, leader: int, clock: Clock, keeper: Optional[KeeperLook] = None) -> None:
        self._outer = Prober(leader, keeper=keeper)
        self._inner: Optional[Prober] = None
        self._pane = 0
        self._asked_at = -ASK_AGAIN
        self._is_sure = True  # that the pane is the one shown: nothing was drawn since tmux was asked
        self._clock = clock
        self._keeper = keeper
        self.last = self._outer.last

    @property
    def looks(self) -> int:
        """How many looks the last evidence took."""
        return self._outer.looks + (self._inner.looks if self._inner is not None else 0)

    @property
    def is_current(self) -> bool:
        """Whether another probe would find what the last one did."""
        return self._outer.is_current and self._is_sure and (self._inner is None or self._inner.is_current)

    @property
    def can_rest(self) -> bool:
        """Whether `has_moved` can tell anything."""
        return self._outer.pulse.is_possible and (self._inner is None or self._inner.pulse.is_possible)

    def has_moved(self) -> bool:
        """Whether something that was looked at has run since."""
        inner_moved = self._inner is not None and self._inner.pulse.has_moved()
        return inner_moved or not self._is_sure or self._outer.pulse.has_moved()

    def close(self) -> None:
        self._outer.close()
        self._leave_pane()

    def on_output(self) -> None:
        """The session drew: another pane may be the one shown. The server draws, so that no client runs for it."""
        self._is_sure = self._pane == 0

    async def probe(self) -> KernelEvidence:
        """Look now."""
        outer = self.last = await self._outer.probe_with_keeper()
        if outer.reader is None or outer.reader.name != CLIENT:
            self._leave_pane()
            return outer
        if not (self._is_sure and self._pane):
            await self._find_pane(outer.reader.pid, outer.tty)
        if self._inner is not None:
            inner = await self._inner.probe_with_keeper()
            if inner.wait is not Wait.UNREADABLE:
                self.last = inner._replace(nested=True)
        return self.last

    async def _find_pane(self, client: int, tty: str) -> None:
        now = self._clock.boot()
        if now - self._asked_at < ASK_AGAIN:
            return
        self._asked_at, self._is_sure = now, True
        pane = await shown_pane(client, tty)
        if pane != self._pane:
            self._leave_pane()
            self._pane, self._inner = pane, Prober(pane, keeper=self._keeper) if pane else None

    def _leave_pane(self) -> None:
        if self._inner is not None:
            self._inner.close()
        self._inner, self._pane, self._is_sure = None, 0, True


async def shown_pane(client: int, tty: str) -> int:
    """The process of the pane that the client at terminal `tty` shows; 0 where tmux does not say."""
    try:
        asking = await asyncio.create_subprocess_exec(
            "tmux",
            *_server(client),
            "list-clients",
            "-F",
            "#{client_tty} #{pane_pid}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return 0
    try:
        told, _ = await asyncio.wait_for(asking.communicate(), _LIMIT)
    except asyncio.TimeoutError:
        asking.kill()
        await asking.wait()
        return 0
    for line in told.decode("utf-8", "replace").splitlines():
        shown_at, _, pane = line.rpartition(" ")
        if shown_at == tty and pane.isdigit():
            return int(pane)
    return 0


def _server(client: int) -> List[str]:
    """The options of a client's command line that name its server. Raises OSError."""
    words = Path(f"/proc/{client}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    for place, word in enumerate(words[:-1]):
        if word in ("-S", "-L"):
            return [word, words[place + 1]]
        if word[:2] in ("-S", "-L"):
            return [word]
    return []
