"""The node as the sender of last resort: what no hub or console claims in time, it sends itself.

A laptop that sleeps, or a hub that was killed after its claim, strands nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Dict, List, Optional, Set

from node_agent.core.alert_text import Message, coalesce
from node_agent.core.alerts import AlertState
from node_agent.io import channels
from node_agent.io.agent import Agent
from node_agent.io.alerts import Alerts
from node_agent.io.settings import Settings
from node_agent.io.store import StoreError
from node_agent.protocol.delivery import is_wanted
from node_agent.protocol.errors import RequestError
from node_agent.protocol.settings import NodeChannel
from node_agent.protocol.states import AlertKind

log = logging.getLogger(__name__)

LOOK_EVERY = 30.0
"""Seconds between two looks while anything is open: quiet hours end by the wall clock."""

LOOK_AT_ATTACHED = 1.0
"""Seconds between two looks while somebody is attached to what an alert is about: they leave, or stand still."""

RETRY_STORE = 1.0


class AlertSender:
    """Sends through the channels that are set for this node."""

    def __init__(self, agent: Agent, alerts: Alerts, settings: Settings) -> None:
        self._agent = agent
        self._alerts = alerts
        self._settings = settings
        self._busy: Set[str] = set()
        self._sender = f"node {agent.store.uuid}"

    async def run(self) -> None:
        """Look over the alerts whenever one may have become due."""
        while True:
            self._alerts.news.clear()
            try:
                wait = await self._look()
            except StoreError as error:
                log.warning("alerts wait: %s", error)
                wait = RETRY_STORE
            try:
                await asyncio.wait_for(self._alerts.news.wait(), wait)
            except asyncio.TimeoutError:
                pass

    async def _look(self) -> Optional[float]:
        """Send what is due; seconds until the next look, None until there is news."""
        self._alerts.look_over(self._agent.clock.now())
        waits = [LOOK_EVERY] if self._alerts.open_alerts() else []
        if self._alerts.is_looked_at():
            waits.append(LOOK_AT_ATTACHED)
        await self._escalate(waits)
        settings = self._settings.current
        for channel in settings.channels:
            if channel.name not in settings.disabled and channel.name not in self._busy:
                self._begin(channel, waits)
        return min(waits, default=None)

    def _begin(self, channel: NodeChannel, waits: List[float]) -> None:
        now = self._agent.clock.now()
        due: List[AlertState] = []
        for alert in self._alerts.open_alerts():
            if not is_wanted(channel.kinds, channel.severity, alert.kind, alert.severity):
                continue
            if self._alerts.silence(alert, now):
                if alert.snooze is not None:
                    waits.append(alert.snooze.left(now) or LOOK_EVERY)
                continue
            wait = alert.due(channel.name, now, channel.delay)
            if wait is not None and wait <= 0:
                due.append(alert)
            elif wait is not None:
                waits.append(wait)
        if due:
            self._busy.add(channel.name)
            self._agent.tasks.spawn(self._send_all(channel, due), name=f"send through {channel.name}")

    async def _send_all(self, channel: NodeChannel, due: List[AlertState]) -> None:
        try:
            tokens = {}
            for alert in due:
                claim = await self._alerts.claim(alert.key, channel.name, self._sender)
                if claim.token:
                    tokens[alert.key] = claim.token
            told = coalesce([alert for alert in due if alert.key in tokens])
            # At once: a claim would lapse while another one's message takes all the time it has.
            await asyncio.gather(*(self._send(channel, message, tokens) for message in told))
        except StoreError as error:
            log.warning("alerts wait: %s", error)
        finally:
            self._busy.discard(channel.name)
            self._alerts.news.set()

    async def _send(self, channel: NodeChannel, message: Message, tokens: Dict[str, int]) -> None:
        sent = await channels.send(channel, message, self._agent.store.uuid)
        log.info("alert %s through %s: %s", message.key, channel.name, sent.detail)
        together = f", {len(message.alerts)} alerts as one" if len(message.alerts) > 1 else ""
        for alert in message.alerts:
            try:
                await self._alerts.report(
                    alert.key, channel.name, tokens[alert.key], sent.is_sent, sent.detail + together
                )
            except (RequestError, StoreError) as error:
                log.info("alert %s: %s", alert.key, error)

    async def _escalate(self, waits: List[float]) -> None:
        after = self._settings.current.escalate_after
        if after <= 0:
            return
        open_alerts = self._alerts.open_alerts()
        escalated = {alert.key for alert in open_alerts}
        now = self._agent.clock.now()
        for alert in open_alerts:
            if alert.kind is not AlertKind.ASK or alert.key.endswith("/again") or f"{alert.key}/again" in escalated:
                continue
            wait = after - alert.raised.age_at(now)
            if wait > 0:
                waits.append(wait)
            else:
                await self._alerts.escalate(alert)
