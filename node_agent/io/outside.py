"""Asks of no session: reports from programs that run outside any, one open ask a source.

Such an ask ends when its source says so, when the program it came from has ended, and when the machine starts anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Any, Callable, Dict, List, Optional, Tuple

from node_agent import boot_time
from node_agent.core.event_log import NewEvent
from node_agent.core.moment import Moment
from node_agent.core.session import OpenAsk
from node_agent.core.silence import is_muted
from node_agent.io import alert_records, records
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts
from node_agent.io.origin import Origin
from node_agent.io.settings import Settings
from node_agent.io.store import StoreError
from node_agent.protocol.codec import to_wire
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import NO_SESSION, AskId
from node_agent.protocol.notices import AskChanged, AskGone
from node_agent.protocol.states import AskKind, EventKind

log = logging.getLogger(__name__)

MOST_OPEN = 200

LOOK_EVERY = 2.0
"""Seconds between looks whether the programs that ask still run: one small read each."""


class OutsideAsks:
    """The open asks of no session, by their source."""

    def __init__(self, agent: Agent, alerts: Alerts, settings: Settings) -> None:
        self._agent = agent
        self._alerts = alerts
        self._settings = settings
        self._open: Dict[str, OpenAsk] = {}
        self._changing = asyncio.Lock()

    async def restore(self) -> None:
        """Go on with what the last agent had open and still stands."""
        found: List[OpenAsk] = await self._agent.write(records.load_open_asks)
        self._open = {ask.info.program: ask for ask in found if ask.info.session == NO_SESSION}
        await self._close_gone()

    async def watch(self) -> None:
        """Close what a program asked that has ended since, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._close_gone()
            except StoreError as error:
                log.warning("%s", error)

    async def _close_gone(self) -> None:
        async with self._changing:
            for source, ask in list(self._open.items()):
                origin = _origin_of(ask)
                if boot_time.boot_id() and ask.opened.boot_id != self._agent.clock.boot_id:
                    await self._close(source, ask, "the machine was started again")
                elif origin is not None and not origin.is_running:
                    await self._close(source, ask, "its program has ended")

    def infos(self, now: Moment) -> Tuple[AskInfo, ...]:
        return tuple(self._info(ask, now) for ask in self._open.values())

    def find(self, name: AskId) -> Optional[OpenAsk]:
        return next((ask for ask in self._open.values() if ask.info.id == name), None)

    def change(self, name: AskId, change: Callable[[OpenAsk], OpenAsk]) -> None:
        """Change an ask if it is still open, and tell every client."""
        ask = self.find(name)
        if ask is not None:
            source = ask.info.program
            self._open[source] = change(ask)
            self._tell(self._open[source])

    def tell_all(self) -> None:
        """Tell every client what each ask now is."""
        for ask in self._open.values():
            self._tell(ask)

    def _tell(self, ask: OpenAsk) -> None:
        self._agent.announce(f"ask {ask.info.id}", AskChanged(self._info(ask, self._agent.clock.now())))

    def _info(self, ask: OpenAsk, now: Moment) -> AskInfo:
        return ask.at(now, is_muted(self._settings.current, NO_SESSION, ask.info.kind))

    async def report(self, state: str, text: str, source: str, origin: Optional[Origin] = None) -> None:
        """`source` says that it is asking, or that it no longer is. Raises RequestError and StoreError."""
        if origin is not None and not origin.is_running:
            origin = None  # a process of a container's, which goes by another number here
        async with self._changing:
            known = self._open.get(source)
            is_same = known is not None and (known.info.excerpt, known.identity) == (text, _identity(source, origin))
            if known is not None and not (state == "asking" and is_same):
                await self._close(source, known, f"reported {state}")
                known = None
            if state == "asking" and known is None:
                if len(self._open) >= MOST_OPEN:
                    raise RequestError(ErrorCode.BUSY, f"{MOST_OPEN} reports from outside any session are open")
                await self._open_ask(source, text, origin)

    async def _open_ask(self, source: str, text: str, origin: Optional[Origin]) -> None:
        now = self._agent.clock.now()
        name = hashlib.sha256(f"{source} {now.boot_id} {now.boot}".encode()).hexdigest()[:8]
        info = AskInfo(AskId(f"out.{name}"), AskKind.TEXT, text, 0.0, program=source, rule="report")
        ask = OpenAsk(info, now, _identity(source, origin))
        event = NewEvent(f"opened {info.id}", EventKind.ASK_OPENED, now, NO_SESSION, {"ask": to_wire(info)})
        alert = self._alerts.about_ask(ask, None)

        def write(connection: Any) -> None:
            records.open_ask(connection, ask)
            alert.write(connection)

        await self._agent.record([event], write)
        self._open[source] = ask
        self._tell(ask)
        self._alerts.raised(alert)

    async def _close(self, source: str, ask: OpenAsk, reason: str) -> None:
        name = ask.info.id
        data = {"ask": name, "reason": reason}
        event = NewEvent(f"closed {name}", EventKind.ASK_CLOSED, self._agent.clock.now(), NO_SESSION, data)

        def write(connection: Any) -> None:
            records.close_ask(connection, name)
            alert_records.close_of_ask(connection, name)

        await self._agent.record([event], write)
        self._open.pop(source, None)
        self._agent.announce(f"ask {name}", AskGone(name))
        self._alerts.ask_over(name)


def _identity(source: str, origin: Optional[Origin]) -> str:
    """What is stored of an ask to know it again: its source, and in a second line the program it came from."""
    return source if origin is None else f"{source}\n{origin.pid} {origin.started}"


def _origin_of(ask: OpenAsk) -> Optional[Origin]:
    pid, _, started = ask.identity.partition("\n")[2].partition(" ")
    return Origin(int(pid), int(started)) if started else None
