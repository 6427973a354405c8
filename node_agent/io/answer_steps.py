"""The steps every answer is made of: look, type, look again, submit, and see whether the program went on.

Everything that is typed is bound to a look: the keeper writes it only if nothing was printed since, so what was judged
is what is answered. A prompt that moves (a spinner, a clock) is judged again, a bounded number of times. What may
submit is recorded before it is typed, so that after a death in between the answer reads `unconfirmed` and is never
typed twice. What an answer means, and which keys say it, is not known here.
"""

from __future__ import annotations

import asyncio
from typing import Callable, NamedTuple, Optional, Tuple, TypeVar

from node_agent.detect.prompts import normalised
from node_agent.detect.sight import Sight
from node_agent.io import answer_records
from node_agent.io.agent import Agent
from node_agent.io.asks import ask_name
from node_agent.io.detection import Detection
from node_agent.io.keyboard import Keyboard
from node_agent.io.live_session import LiveSession
from node_agent.keeper.control import Cause
from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.entities import AskInfo
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import UnknownKeyError, encode_key
from node_agent.terminal.sanitise import sanitise

T = TypeVar("T")

MOST_LOOKS = 12
"""How often a prompt that moves is judged again before it is given up."""

POLL = 0.01
CATCH_UP = 2.0
SHOWN = 2.0
"""Seconds typed text or a moved mark may take to be seen."""

CONFIRMED = 3.0
"""Seconds a program may take to go on after a submit."""

STILL_THERE = 1.5
"""Seconds after which the same prompt on screen after a submit is no mere leftover."""


class Refusal(Exception):
    """It is not done; the message is one sentence for the operator."""


class Look(NamedTuple):
    """What was judged, and the journal offset it stands for."""

    sight: Sight
    head: int


class AnswerSteps:
    """One answer on its way. `chosen` names the option it is; `has_submitted`: something that may submit was typed."""

    def __init__(
        self,
        agent: Agent,
        keyboard: Keyboard,
        session: LiveSession,
        request: AnswerAsk,
        obstacle: Callable[[], str],
    ) -> None:
        self.chosen = ""
        self.has_submitted = False
        self._agent = agent
        self._keyboard = keyboard
        self._session = session
        self._request = request
        self._obstacle = obstacle
        self._writes = 0
        self._is_marked = False

    # -- looking and typing ---------------------------------------------------------------------------------------

    async def submit(self, make: Callable[[Sight], bytes]) -> Tuple[Outcome, str]:
        """Type what `make` says, which hands the answer in, and see what comes of it."""
        return await self.confirm(await self.act(make, submits=True))

    async def press(self, key: str, submits: bool) -> Look:
        """Type a key by its name; `submits` where it may hand something in."""
        return await self.act(lambda _: self.encoded(key), submits)

    async def act(self, make: Callable[[Sight], bytes], submits: bool) -> Look:
        """Type what `make` says about the prompt of this moment; judged again when it moved before it was typed.

        Returns the look it was typed at; raises Refusal.
        """
        if submits:
            await self._mark()
        for _ in range(MOST_LOOKS):
            look = await self.look()
            if self._obstacle():
                raise Refusal(self._obstacle())
            data = make(look.sight)
            self._writes += 1
            name = f"answer {self._request.request} {self._agent.store.epoch} {self._writes}"
            before, self.has_submitted = self.has_submitted, self.has_submitted or submits
            try:
                await self._keyboard.write(self._session, name, Cause.ANSWER.value, data, expect_head=look.head)
            except RequestError as error:
                self.has_submitted = before
                if error.code is not ErrorCode.CHANGED:
                    raise
            else:
                return look
        raise Refusal("the screen does not stand still long enough to be judged: attach to answer")

    async def look(self) -> Look:
        """The screen as it is now, with the ask still on it; raises Refusal where it is not."""
        model = self._session.model
        for _ in range(MOST_LOOKS):
            await self.until(lambda: not self._session.is_behind or None, CATCH_UP)
            await self.detection.refresh()
            if not self._session.is_behind:
                break
        if self._session.is_behind or model.catching_up or model.quarantined:
            raise Refusal("the screen is behind what the program printed: try again")
        sight = self.sight_if_open()
        if sight is None:
            raise Refusal("the prompt is no longer the one that was asked: look again")
        return Look(sight, self._session.emulation.offset)

    def sight_if_open(self) -> Optional[Sight]:
        """What is on screen if that is still this ask: its instance, its question, its command and its options."""
        ask, sight = self.detection.detector.ask, self.detection.sight()
        if ask is None or sight.ask is None or ask_name(self._session, ask) != self._request.ask:
            return None
        shown = self.asked()
        labels = {plain(option.label) for option in sight.prompt.options}
        asked = {plain(option.label) for option in shown.options}
        if asked != labels or (shown.command and sanitise(sight.prompt.command, 2000) != shown.command):
            return None
        return sight

    def asked(self) -> AskInfo:
        """The ask as the operator saw it; raises Refusal when it is no longer open."""
        ask = self._session.model.ask
        if ask is None or ask.info.id != self._request.ask:
            raise Refusal("it was answered, or is gone")
        return ask.info

    async def confirm(self, look: Look) -> Tuple[Outcome, str]:
        """See whether the program went on. Where it edits its line itself, output alone is no sign of that."""
        is_over = await self.until(lambda: self._is_closed() or None, CONFIRMED)
        if not is_over:
            return Outcome.UNCONFIRMED, "the program has not gone on since"
        await self.until(self._is_recorded_as_closed, CATCH_UP)  # who hears of the answer finds the ask closed
        if look.sight.is_cooked or self._session.model.has_ended:
            return Outcome.ACCEPTED, ""
        if await self.until(lambda: not self._is_shown_again(look.sight) or None, STILL_THERE):
            return Outcome.ACCEPTED, ""
        return Outcome.UNCONFIRMED, "the same question stands there: asked again, or still"

    async def _mark(self) -> None:
        """Put on disk that this request may have been carried out."""
        if self._is_marked:
            return
        self._is_marked = True
        doubt = Answered(Outcome.UNCONFIRMED, "the node agent ended while it was answering", self.chosen)
        wall = self._agent.clock.now().wall
        await self._agent.write(lambda connection: answer_records.save(connection, self._request.request, wall, doubt))

    async def until(self, fact: Callable[[], Optional[T]], limit: float) -> Optional[T]:
        """What `fact` returns once that is not None, or None after `limit` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        found = fact()
        while found is None and loop.time() < deadline and not self._session.model.has_ended:
            await asyncio.sleep(POLL)
            found = fact()
        return found

    async def quiet(self) -> None:
        """Let the program take the last key: the next one is judged on what it made of it."""
        head = self._session.model.head
        await self.until(lambda: self._session.model.head > head or None, SHOWN / 10)

    # -- what the screen says -------------------------------------------------------------------------------------

    @property
    def detection(self) -> Detection:
        """The session's; raises Refusal when it has ended."""
        if self._session.detection is None or self._session.model.has_ended:
            raise Refusal("the session has ended")
        return self._session.detection

    @property
    def modes(self) -> Modes:
        """What the program has its terminal do at this moment."""
        return self._session.emulation.engine.modes

    def encoded(self, key: str) -> bytes:
        """The bytes of a key in the modes the program has on; raises Refusal for one that does not exist."""
        try:
            return encode_key(key, self.modes)
        except UnknownKeyError as error:
            raise Refusal(str(error)) from error

    def _is_closed(self) -> bool:
        ask = self._session.detection.detector.ask if self._session.detection else None
        return self._session.model.has_ended or ask is None or ask_name(self._session, ask) != self._request.ask

    def _is_recorded_as_closed(self) -> Optional[bool]:
        ask = self._session.model.ask
        return None if ask is not None and ask.info.id == self._request.ask else True

    def _is_shown_again(self, before: Sight) -> bool:
        if self._session.model.has_ended:
            return False
        now, then = self.detection.sight().prompt, before.prompt
        is_same_kind = (now.shape, now.kind, now.command) == (then.shape, then.kind, then.command)
        return is_same_kind and normalised(now.question) == normalised(then.question)


def plain(label: str) -> str:
    """An option's label as it is compared: how its line is broken or blanks are set tells nothing."""
    return " ".join(sanitise(label, 200).split())
