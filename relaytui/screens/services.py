"""What the console can do beyond its fleet: jobs, machines, rules, the demo; given to it by whoever starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from node_agent.protocol.colors import Colors
from node_agent.protocol.states import Restart
from relaytui.config import NodeConfig
from relaytui.hub.jobs.model import Job
from relaytui.hub.jobs.story import JobStory
from relaytui.hub.ledger import Entry
from relaytui.hub.policy import Rule
from relaytui.link.joining import Attendant


class JobBoard(Protocol):
    """The queue, never read on the console's loop. Everything raises QueueError but `close`."""

    async def jobs(self) -> Sequence[Job]:
        """All that are open and the latest that ended, newest first; the same object while nothing has changed."""

    async def story(self, job: str) -> JobStory: ...

    async def cancel(self, job: str) -> Job: ...

    async def retry(self, job: str) -> Job:
        """The copy that was queued."""


@dataclass(frozen=True)
class Services:
    """Each is None where this console lacks it."""

    jobs: JobBoard | None = None
    add_machine: Callable[[NodeConfig, Attendant], Awaitable[None]] | None = None
    """Makes a machine a node and shows it. Raises a LinkError or ConfigError."""
    restart_for: Callable[[str, Sequence[str], Sequence[str]], Restart] | None = None
    """What becomes of a session of that node, command and tags when it is lost, by the operator's rules."""
    environment: Mapping[str, str] | None = None
    """What a session on `local` starts in: that of whoever started the console. None: the login shell's."""
    colors: Colors | None = None
    """What programs of sessions that are started here hear of the operator's terminal."""
    rules: Sequence[Rule] = ()
    decisions: Callable[[], Awaitable[Sequence[Entry]]] | None = None
    """What rules decided on this machine, oldest first. Raises OSError."""
    demo: Callable[[], Awaitable[None]] | None = None
    """Runs the demo in this terminal until it is left."""
    keep_prefix: Callable[[str], Awaitable[None]] | None = None
    """Writes the operator's prefix down. Raises ConfigError or OSError."""
