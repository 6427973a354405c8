"""What the screens need of the console's core: a fleet that changes, and a way to ask nodes for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from node_agent.protocol.message import Request
from relaytui.fleet.changes import Change
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.model import Fleet
from relaytui.link.errors import HostKeyUnknown


class FleetSource(Protocol):
    """`relaytui.hub.core.Core` is one; tests and the bench bring their own."""

    fleet: Fleet

    def now(self) -> float:
        """The monotonic seconds the fleet's ages are counted in."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, callback: Callable[[list[Change]], None]) -> Callable[[], None]:
        """Be told of every change; returns what ends that."""

    async def request(self, node: str, request: Request, timeout: float = 10.0) -> Any:
        """The node's reply; raises RequestError, or a link's error."""

    def watch(self, key: SessionKey, interval: float = 0.1) -> None:
        """Keep a session's screen up to date."""

    def tune(self, key: SessionKey, interval: float) -> None:
        """Change the pace of a watched screen; 0 is at once."""

    def unwatch(self, key: SessionKey) -> None: ...

    def retry(self, alias: str) -> None:
        """Try a lost node again now."""

    def host_key_question(self, alias: str) -> HostKeyUnknown | None:
        """The unknown host key a node's link waits for a decision on."""

    async def accept_host_key(self, alias: str) -> None:
        """Store that key, the operator having compared its fingerprint, and connect."""

    def nudge(self) -> None:
        """The operator pressed a key: lost nodes are tried at once."""
