"""What is known of the way to a node, and the words for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class NodeState(enum.StrEnum):
    """Where the link to a node stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    STALE = "stale"  # silent for over 3 s; what is shown of it may be old
    LOST = "lost"  # no link; tried again by itself
    WAITING = "waiting"  # only the operator can help; tried again on their word
    OFF = "off"  # not tried


@dataclass(frozen=True)
class NodeStatus:
    """Times are the console's monotonic seconds."""

    state: NodeState
    since: float  # of this state; for `stale` and `lost` when the node was last heard
    error: str = ""  # one line
    exit_code: int = 0  # of the error, as commands end with it
    next_try: float | None = None
    rtt: float | None = None  # seconds
    note: str = ""  # "through the exec bridge"

    @property
    def is_live(self) -> bool:
        """Whether what is shown of the node is what it is now."""
        return self.state is NodeState.CONNECTED

    def words(self, now: float) -> str:
        """The state as one line: `stale 12 s: no answer to ping; next try in 4 s`."""
        match self.state:
            case NodeState.CONNECTED:
                return f"connected {self.note}".rstrip()
            case NodeState.CONNECTING | NodeState.OFF:
                return self.state.value
            case NodeState.WAITING:
                return f"needs you: {self.error}"
        text = f"{self.state.value} {span(now - self.since)}"
        if self.error:
            text += f": {self.error}"
        if self.next_try is not None:
            wait = max(0, round(self.next_try - now))
            text += f"; next try in {wait} s" if wait else "; trying now"
        return text


def span(seconds: float) -> str:
    """A duration in the one unit that matters: `41 s`, `4 m`, `2 h`, `3 d`."""
    seconds = max(0.0, seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
