"""Answers asks: at most once for each request, recorded with who answered, and never by more than one at a time."""

from __future__ import annotations

import functools
from typing import Optional, Tuple

from node_agent.core.event_log import NewEvent
from node_agent.io import answer_records
from node_agent.io.agent import Agent
from node_agent.io.answer_drive import AnswerDrive
from node_agent.io.answer_steps import Refusal
from node_agent.io.connection import Connection
from node_agent.io.keeper_client import KeeperError
from node_agent.io.keyboard import Keyboard
from node_agent.io.live_session import LiveSession
from node_agent.io.open_asks import OpenAsks
from node_agent.io.restarts import Restarts
from node_agent.io.settings import Settings
from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.states import EventKind
from node_agent.terminal.sanitise import sanitise

NAME_LIMIT = 200
TEXT_LIMIT = 64 * 1024

_WAYS = ("label", "option", "yes", "text", "secret")


class Answering:
    """Carries out `ask.answer`."""

    def __init__(
        self, agent: Agent, keyboard: Keyboard, asks: OpenAsks, restarts: Restarts, settings: Settings
    ) -> None:
        self._agent = agent
        self._keyboard = keyboard
        self._asks = asks
        self._restarts = restarts
        self._settings = settings

    async def answer(self, client: Connection, request: AnswerAsk) -> Answered:
        """Answer the ask if it is still the one on screen. Raises RequestError for what can never be carried out."""
        way = _way(request)
        session = self._asks.session_of(request.ask)
        if session is None:
            raise RequestError(ErrorCode.NO_ASK, f"there is no ask {request.ask!r} of a session on this node")
        async with session.typing:
            known: Optional[Answered] = await self._agent.write(
                lambda connection: answer_records.find(connection, request.request)
            )
            if known is not None:
                return known
            model = session.model
            obstacle = self._obstacle(request)
            if obstacle:
                outcome, why, chosen = Outcome.REFUSED, obstacle, ""
            elif model.is_restart_asked:
                outcome, why, chosen = await self._restarts.answer(session, request)
            else:
                await self._keyboard.take_turn(session, client.holder, request.steal)
                obstacle_now = functools.partial(self._obstacle, request)
                drive = AnswerDrive(self._agent, self._keyboard, session, request, obstacle_now)
                outcome, why = await self._carry_out(drive)
                chosen = drive.steps.chosen
            next_ask = model.ask.info.id if model.ask is not None and model.ask.info.id != request.ask else None
            answered = Answered(outcome, why, chosen or way, model.attention, next_ask)
            await self._record(client, session, request, answered, way)
        return answered

    def _obstacle(self, request: AnswerAsk) -> str:
        """Why nothing may be typed for it now: a hub that looked at the switch a moment ago cannot know."""
        is_held = request.policy and self._settings.current.policy_suspended
        return "automatic answers are suspended on this node" if is_held else ""

    async def _carry_out(self, drive: AnswerDrive) -> Tuple[Outcome, str]:
        try:
            return await drive.run()
        except Refusal as refusal:
            why = str(refusal)
        except (RequestError, KeeperError) as error:
            why = error.message
        # Once something that may submit was typed, nobody can say that nothing happened.
        return (Outcome.UNCONFIRMED if drive.steps.has_submitted else Outcome.REFUSED), why

    async def _record(
        self, client: Connection, session: LiveSession, request: AnswerAsk, answered: Answered, way: str
    ) -> None:
        """The outcome, and the event that tells everybody; neither holds what was typed."""
        now = self._agent.clock.now()
        data = {
            "ask": request.ask,
            "operator": client.operator,
            "outcome": answered.outcome.value,
            "why": answered.why,
            "way": way,
            "chosen": answered.chosen,
            "policy": sanitise(request.policy, NAME_LIMIT),
        }
        event = NewEvent(f"answered {request.request}", EventKind.ASK_ANSWERED, now, session.model.id, data)
        await self._agent.record(
            [event], lambda connection: answer_records.save(connection, request.request, now.wall, answered)
        )


def _way(request: AnswerAsk) -> str:
    """The one way of answering that is set; raises RequestError."""
    ways = [way for way in _WAYS if getattr(request, way) is not None] + (["keys"] if request.keys else [])
    if len(ways) != 1:
        raise RequestError(ErrorCode.BAD_REQUEST, "an answer is exactly one of label, option, yes, text, secret, keys")
    if not 0 < len(request.request) <= NAME_LIMIT:
        raise RequestError(ErrorCode.BAD_REQUEST, f"an answer needs a request id of 1 to {NAME_LIMIT} characters")
    if len(request.text or request.secret or "") > TEXT_LIMIT:
        raise RequestError(ErrorCode.BAD_REQUEST, f"an answer has at most {TEXT_LIMIT} characters")
    return ways[0]
