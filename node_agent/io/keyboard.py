"""Everything that is typed into sessions: whose turn it is, what the keeper made of it, and the record of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Optional

from node_agent.core.lease import Holder
from node_agent.io.agent import Agent
from node_agent.io.connection import Connection
from node_agent.io.detection import cause_of
from node_agent.io.keeper_client import KeeperError, WriteOutcome
from node_agent.io.live_session import LiveSession
from node_agent.io.screens import Screens
from node_agent.keeper.control import Cause, WriteResult
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.ids import SessionId
from node_agent.protocol.states import EventKind

log = logging.getLogger(__name__)

INTERRUPTS = (b"\x03", b"\x1c")
"""ctrl+C and ctrl+\\, which overtake a paste that the program does not read."""

_WORDS = {
    "no_session": "the session is gone",
    "not_running": "the session has ended",
    "changed": "the session printed something after the screen this was meant for: look again",
    "line_too_long": "the line is over 4,095 bytes: the kernel would cut it; send it in parts",
    "busy": "the program does not read its input: what was typed before still waits",
    "fenced": "a newer node agent has taken over; try again",
    "interrupted": "an interrupt overtook it",
    "gone": "the terminal was closed",
}
_CODES = {"fenced": ErrorCode.BUSY, "interrupted": ErrorCode.REFUSED, "gone": ErrorCode.NOT_RUNNING}


def request_error(code: str, message: str = "") -> RequestError:
    """The keeper's refusal as the client's."""
    words = _WORDS.get(code) or message or f"the keeper refused it: {code}"
    if code in _CODES:
        return RequestError(_CODES[code], words)
    try:
        return RequestError(ErrorCode(code), words)
    except ValueError:
        return RequestError(ErrorCode.REFUSED, words)


def _cause(word: str, data: bytes) -> str:
    return cause_of(Cause.INTERRUPT.value if data in INTERRUPTS else word, data)


class Keyboard:
    """Types into sessions for clients. The lease decides who may."""

    def __init__(self, agent: Agent, screens: Screens) -> None:
        self._agent = agent
        self._screens = screens

    async def write(
        self, session: LiveSession, request: str, word: str, data: bytes, expect_head: Optional[int] = None
    ) -> WriteResult:
        """Write one block; returns when the kernel has it. Raises RequestError when it was refused."""
        try:
            result = await self._agent.keeper.write(
                session.model.id, request, _cause(word, data), data, expect_head=expect_head
            )
        except KeeperError as error:
            raise request_error(error.code, error.message) from error
        self._screens.read_index(session)
        if not result.applied:
            raise request_error(result.refused_reason)
        return result

    def type_raw(self, connection: Connection, stream: int, session: LiveSession, number: int, data: bytes) -> None:
        """Input number `number` of an attached stream: written in the order of the calls, then acked."""

        def written(outcome: WriteOutcome) -> None:
            self._screens.read_index(session)
            refusal: Optional[RequestError] = None
            if isinstance(outcome, KeeperError):
                refusal = request_error(outcome.code, outcome.message)
            elif not outcome.applied:
                refusal = request_error(outcome.refused_reason)
            connection.send_input_ack(stream, number, refusal)

        self._screens.be_still()
        request = f"{connection.client}:{stream}:{number}"
        try:
            self.check_lease(session, connection.client)
            self._agent.keeper.write_then(session.model.id, request, _cause(Cause.ATTACH.value, data), data, written)
        except RequestError as error:
            connection.send_input_ack(stream, number, error)

    # -- the lease ------------------------------------------------------------------------------------------------

    def check_lease(self, session: LiveSession, client: str) -> None:
        """Raise RequestError while somebody else holds the lease."""
        lease = session.model.lease
        if lease.expires is not None:
            lease.expire(self._agent.clock.now())
        if not lease.allows(client) and lease.holder is not None:
            raise RequestError(
                ErrorCode.LEASE_HELD, f"{lease.holder.operator} is typing in {session.model.id}; take it over to type"
            )

    async def take_turn(self, session: LiveSession, by: Holder, steal: bool) -> None:
        """Let `by` type once without keeping the lease; raises RequestError while somebody else holds it.

        `steal` takes it from whoever holds it and leaves it free.
        """
        if steal and not session.model.lease.allows(by.client):
            await self.take_lease(session, by, steal=True)
            await self.release_lease(session, by.client, "typed and gone")
        self.check_lease(session, by.client)

    async def take_lease(self, session: LiveSession, by: Holder, steal: bool) -> bool:
        """Make `by` the one who types; False when somebody else is and `steal` is not set."""
        lease = session.model.lease
        now = self._agent.clock.now()
        lease.expire(now)
        before = lease.holder
        if not lease.take(by, now, steal):
            return False
        if before is None or not by.continues(before):
            if before is not None:
                await self._record(session, EventKind.LEASE_RELEASED, before.operator, "taken over")
            await self._record(session, EventKind.LEASE_TAKEN, by.operator, "")
            self._agent.changed(session, at_once=True)
        return True

    async def release_lease(self, session: LiveSession, client: str, reason: str = "released") -> None:
        """Free the lease if `client` holds it."""
        holder = session.model.lease.holder
        if session.model.lease.release(client) and holder is not None:
            await self._record(session, EventKind.LEASE_RELEASED, holder.operator, reason)
            self._agent.changed(session, at_once=True)

    def disconnected(self, connection: Connection) -> None:
        """A client's connection has ended: its leases are kept for a while, then freed."""
        for name in connection.sessions_taken:
            session = self._agent.sessions.get(SessionId(name))
            if session is None:
                continue
            if session.model.lease.disconnect(connection.client, self._agent.clock.now()):
                self._agent.tasks.spawn(self._expire(session), name=f"lease of {name}")

    async def _expire(self, session: LiveSession) -> None:
        lease = session.model.lease
        while lease.expires is not None and lease.holder is not None:
            operator = lease.holder.operator
            await asyncio.sleep(max(0.01, lease.expires - self._agent.clock.boot()))
            if lease.expire(self._agent.clock.now()):
                await self._record(session, EventKind.LEASE_RELEASED, operator, "its connection ended")
                self._agent.changed(session, at_once=True)

    async def _record(self, session: LiveSession, kind: EventKind, operator: str, reason: str) -> None:
        now = self._agent.clock.now()
        key = f"{kind.value} {operator} {now.boot_id} {now.boot}"
        data = {"operator": operator, "reason": reason} if reason else {"operator": operator}
        await self._agent.record_surely([self._agent.event(key, kind, session, now, **data)])
