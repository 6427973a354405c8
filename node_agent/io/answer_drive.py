"""Drives one answer into one session: look, type, look again, submit, and see whether the program went on.

Everything that is typed is bound to a look: the keeper writes it only if nothing was printed since, so what was judged
is what is answered. A prompt that moves (a spinner, a clock) is judged again, a bounded number of times. A line the
kernel edits goes in as one block with its Enter, which leaves no moment between them; elsewhere the text or the marked
option is seen on screen before Enter follows apart. What may submit is recorded before it is typed, so that after a
death in between the answer reads `unconfirmed` and is never typed twice.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Callable, NamedTuple, Optional, Set, Tuple, TypeVar

from node_agent.core.choice import ChoiceError, choose
from node_agent.detect.prompts import Shape, normalised
from node_agent.detect.rules import Role
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
from node_agent.protocol.states import AskKind
from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import UnknownKeyError, encode_key, encode_paste
from node_agent.terminal.sanitise import sanitise

T = TypeVar("T")

MOST_LOOKS = 12
"""How often a prompt that moves is judged again before it is given up."""

MOST_MOVES = 60
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


class AnswerDrive:
    """One answer on its way. `has_submitted`: something that may submit was typed."""

    def __init__(self, agent: Agent, keyboard: Keyboard, session: LiveSession, request: AnswerAsk) -> None:
        self.chosen = ""
        self.has_submitted = False
        self._agent = agent
        self._keyboard = keyboard
        self._session = session
        self._request = request
        self._writes = 0
        self._is_marked = False

    async def run(self) -> Tuple[Outcome, str]:
        """Carry it out. Raises Refusal, RequestError and KeeperError."""
        request = self._request
        look = await self._look()
        if request.keys:
            return await self._press_keys()
        if request.secret is not None:
            return await self._type_secret(look, request.secret)
        kind = self._asked().kind
        if kind is AskKind.PASSWORD:
            raise Refusal("it asks for a password: answer with a secret")
        if kind in (AskKind.EDITOR, AskKind.PAGER):
            raise Refusal(f"it waits in {'an editor' if kind is AskKind.EDITOR else 'a pager'}: use keys or attach")
        if request.text is not None:
            return await self._type_text(look, request.text)
        if look.sight.prompt.shape is Shape.KEY:
            return await self._press_any_key(look)
        if Role.PICKER in look.sight.roles and not look.sight.prompt.options and request.label is not None:
            return await self._pick(request.label)
        return await self._choose(look)

    # -- ways of answering ----------------------------------------------------------------------------------------

    async def _choose(self, look: Look) -> Tuple[Outcome, str]:
        prompt = look.sight.prompt
        if prompt.is_multiple:
            raise Refusal("it takes several marks before it is handed in: use keys or attach")
        try:
            option = prompt.options[choose(prompt.options, self._request)]
        except ChoiceError as error:
            raise Refusal(str(error)) from error
        self.chosen = sanitise(option.label, 200)
        if prompt.shape in (Shape.MENU, Shape.BUTTONS):
            return await self._select(option.label)
        word = option.key or option.label
        if look.sight.is_cooked:
            return await self._submit(lambda seen: self._line(seen, word))
        return await self._type_and_enter(word, may_submit=True)

    async def _type_text(self, look: Look, text: str) -> Tuple[Outcome, str]:
        prompt = look.sight.prompt
        if prompt.shape is Shape.MENU and (prompt.options or Role.PICKER in look.sight.roles):
            raise Refusal("it asks to choose: answer with a label")
        if "\n" in text.strip("\n") and (look.sight.is_cooked or not look.sight.view.bracketed_paste):
            raise Refusal("the program takes one line: text of several would answer what comes next, too")
        text = text.strip("\n")
        if look.sight.is_cooked:
            return await self._submit(lambda seen: self._line(seen, text))
        return await self._type_and_enter(text, may_submit=False)

    async def _type_secret(self, look: Look, secret: str) -> Tuple[Outcome, str]:
        is_masked = not look.sight.is_cooked and look.sight.prompt.kind is AskKind.PASSWORD
        if not (look.sight.is_hidden or is_masked):
            raise Refusal("it does not hide what is typed: a secret would stand on the screen and in the journal")
        if encode_paste(secret, self._modes) != secret.encode() and not look.sight.view.bracketed_paste:
            raise Refusal("the secret holds control characters: attach to type it")
        if look.sight.is_hidden:
            return await self._submit(lambda seen: self._checked(seen.is_hidden, secret.encode() + b"\r"))
        head = (await self._act(lambda seen: secret.encode(), submits=False)).head
        await self._until(lambda: self._session.model.head > head or None, SHOWN)
        return await self._submit(lambda seen: self._enter())

    async def _press_any_key(self, look: Look) -> Tuple[Outcome, str]:
        if self._request.yes is not True:
            raise Refusal("it waits for a key: answer with yes or keys")
        return await self._submit(lambda seen: self._enter())

    async def _press_keys(self) -> Tuple[Outcome, str]:
        self.chosen = "keys"
        for key in self._request.keys:
            self._encoded(key)  # a bad name is refused before the first is typed
        for number, key in enumerate(self._request.keys):
            if number:
                await self._quiet()
            look = await self._press(key, submits=True)
        return await self._confirm(look)

    async def _type_and_enter(self, text: str, may_submit: bool) -> Tuple[Outcome, str]:
        """Type into a program that edits its line itself; Enter follows once the text is seen there.

        What `may_submit` is the key of an option, and is typed as a key: pasted, a program that takes keys would show
        it and, at Enter, go by its default.
        """
        look = await self._act(lambda seen: self._typed(seen, text, as_keys=may_submit), submits=may_submit)

        def is_over() -> Optional[bool]:
            sight = self._sight_if_open()
            if sight is None:
                return True if may_submit else None
            if may_submit:  # some programs write the option's name for its key
                return False if sight.typed in (normalised(text), normalised(self.chosen)) else None
            return False if sight.shows(text) else None

        has_gone_on = await self._until(is_over, SHOWN)
        if has_gone_on:
            return await self._confirm(look)
        if has_gone_on is None:
            raise Refusal("what was typed does not show at the prompt: attach to see")
        return await self._submit(lambda seen: self._enter())

    async def _select(self, label: str) -> Tuple[Outcome, str]:
        """Move the mark to the option of that label, see it there, and submit."""
        has_tried: Set[str] = set()
        for _ in range(MOST_MOVES):
            look = await self._look()
            target, selected = self._place(look.sight, label), look.sight.selected
            if selected == target:
                return await self._submit(lambda seen: self._checked(self._is_at(seen, label), self._enter()))
            if selected is None:
                raise Refusal("which option is marked cannot be seen: use keys or attach")
            key = self._towards(look.sight, target, has_tried)
            is_hot = key == look.sight.prompt.options[target].key
            look = await self._press(key, submits=is_hot)
            if not await self._until(functools.partial(self._has_moved, selected), SHOWN / 4):
                has_tried.add(key)
            elif is_hot and self._sight_if_open() is None:
                return await self._confirm(look)
        raise Refusal(f"the mark did not come to {label!r}: use keys or attach")

    async def _pick(self, label: str) -> Tuple[Outcome, str]:
        """Filter a picker's list down to `label`, and take it once the picker's own mark stands at it."""
        self.chosen = sanitise(label, 200)
        await self._act(lambda seen: encode_paste(label, self._modes._replace(bracketed_paste=False)), submits=False)
        await self._until(lambda: _is_pointed_at(self._detection.sight(), label) or None, SHOWN)

        def enter(seen: Sight) -> bytes:
            return self._checked(_is_pointed_at(seen, label), self._enter(), f"no line {label!r} is marked")

        return await self._submit(enter)

    # -- steps ----------------------------------------------------------------------------------------------------

    async def _submit(self, make: Callable[[Sight], bytes]) -> Tuple[Outcome, str]:
        return await self._confirm(await self._act(make, submits=True))

    async def _press(self, key: str, submits: bool) -> Look:
        return await self._act(lambda _: self._encoded(key), submits)

    async def _act(self, make: Callable[[Sight], bytes], submits: bool) -> Look:
        """Type what `make` says about the prompt of this moment; judged again when it moved before it was typed."""
        if submits:
            await self._mark()
        for _ in range(MOST_LOOKS):
            look = await self._look()
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

    async def _look(self) -> Look:
        """The screen as it is now, with the ask still on it; raises Refusal where it is not."""
        model = self._session.model
        for _ in range(MOST_LOOKS):
            await self._until(lambda: not self._session.is_behind or None, CATCH_UP)
            await self._detection.refresh()
            if not self._session.is_behind:
                break
        if self._session.is_behind or model.catching_up or model.quarantined:
            raise Refusal("the screen is behind what the program printed: try again")
        sight = self._sight_if_open()
        if sight is None:
            raise Refusal("the prompt is no longer the one that was asked: look again")
        return Look(sight, self._session.emulation.offset)

    def _sight_if_open(self) -> Optional[Sight]:
        """What is on screen if that is still this ask: its instance, its question, its command and its options."""
        ask, sight = self._detection.detector.ask, self._detection.sight()
        if ask is None or sight.ask is None or ask_name(self._session, ask) != self._request.ask:
            return None
        shown = self._asked()
        labels = {_plain(option.label) for option in sight.prompt.options}
        asked = {_plain(option.label) for option in shown.options}
        if asked != labels or (shown.command and sanitise(sight.prompt.command, 2000) != shown.command):
            return None
        return sight

    def _asked(self) -> AskInfo:
        """The ask as the operator saw it; raises Refusal when it is no longer open."""
        ask = self._session.model.ask
        if ask is None or ask.info.id != self._request.ask:
            raise Refusal("it was answered, or is gone")
        return ask.info

    async def _confirm(self, look: Look) -> Tuple[Outcome, str]:
        """See whether the program went on. Where it edits its line itself, output alone is no sign of that."""
        is_over = await self._until(lambda: self._is_closed() or None, CONFIRMED)
        if not is_over:
            return Outcome.UNCONFIRMED, "the program has not gone on since"
        await self._until(self._is_recorded_as_closed, CATCH_UP)  # who hears of the answer finds the ask closed
        if look.sight.is_cooked or self._session.model.has_ended:
            return Outcome.ACCEPTED, ""
        if await self._until(lambda: not self._is_shown_again(look.sight) or None, STILL_THERE):
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

    async def _until(self, fact: Callable[[], Optional[T]], limit: float) -> Optional[T]:
        """What `fact` returns once that is not None, or None after `limit` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        found = fact()
        while found is None and loop.time() < deadline and not self._session.model.has_ended:
            await asyncio.sleep(POLL)
            found = fact()
        return found

    async def _quiet(self) -> None:
        """Let the program take the last key: the next one is judged on what it made of it."""
        head = self._session.model.head
        await self._until(lambda: self._session.model.head > head or None, SHOWN / 10)

    # -- what the screen says -------------------------------------------------------------------------------------

    @property
    def _detection(self) -> Detection:
        if self._session.detection is None or self._session.model.has_ended:
            raise Refusal("the session has ended")
        return self._session.detection

    @property
    def _modes(self) -> Modes:
        return self._session.emulation.engine.modes

    def _is_closed(self) -> bool:
        ask = self._session.detection.detector.ask if self._session.detection else None
        return self._session.model.has_ended or ask is None or ask_name(self._session, ask) != self._request.ask

    def _is_recorded_as_closed(self) -> Optional[bool]:
        ask = self._session.model.ask
        return None if ask is not None and ask.info.id == self._request.ask else True

    def _is_shown_again(self, before: Sight) -> bool:
        if self._session.model.has_ended:
            return False
        now, then = self._detection.sight().prompt, before.prompt
        is_same_kind = (now.shape, now.kind, now.command) == (then.shape, then.kind, then.command)
        return is_same_kind and normalised(now.question) == normalised(then.question)

    def _has_moved(self, before: int) -> Optional[bool]:
        sight = self._sight_if_open()
        return None if sight is not None and sight.selected == before else True

    def _place(self, sight: Sight, label: str) -> int:
        places = [place for place, option in enumerate(sight.prompt.options) if _plain(option.label) == _plain(label)]
        if len(places) != 1:
            raise Refusal(f"{label!r} is not (the only one) on screen: look again")
        return places[0]

    def _is_at(self, sight: Sight, label: str) -> bool:
        return sight.selected == self._place(sight, label)

    def _towards(self, sight: Sight, target: int, has_tried: Set[str]) -> str:
        """The next key that may move the mark there; one that moved nothing is not tried again.

        The option's own key comes last, because in many programs it submits as well.
        """
        is_forward = sight.selected is not None and target > sight.selected
        own = [sight.prompt.options[target].key] if len(sight.prompt.options[target].key) == 1 else []
        across = ["right" if is_forward else "left", "tab" if is_forward else "shift+tab"]
        keys = across if sight.prompt.is_across else ["down" if is_forward else "up"]
        for key in keys + own:
            if key not in has_tried:
                return key
        raise Refusal("the mark does not move: use keys or attach")

    # -- bytes ----------------------------------------------------------------------------------------------------

    def _line(self, sight: Sight, text: str) -> bytes:
        """A whole line for a line the kernel edits; it must be empty, and still be edited by the kernel."""
        data = encode_paste(text, self._modes._replace(bracketed_paste=False))
        return self._checked(sight.is_cooked, self._typed_after(sight, data + b"\r"))

    def _typed(self, sight: Sight, text: str, as_keys: bool) -> bytes:
        modes = self._modes._replace(bracketed_paste=False) if as_keys else self._modes
        return self._typed_after(sight, encode_paste(text, modes))

    def _typed_after(self, sight: Sight, data: bytes) -> bytes:
        if sight.typed:
            raise Refusal("something is typed there already: attach to finish it")
        return data

    def _checked(self, holds: bool, data: bytes, why: str = "the prompt changed: look again") -> bytes:
        if not holds:
            raise Refusal(why)
        return data

    def _enter(self) -> bytes:
        return self._encoded("enter")

    def _encoded(self, key: str) -> bytes:
        try:
            return encode_key(key, self._modes)
        except UnknownKeyError as error:
            raise Refusal(str(error)) from error


def _plain(label: str) -> str:
    return " ".join(sanitise(label, 200).split())


def _is_pointed_at(sight: Sight, label: str) -> bool:
    """Whether the one line with a picker's mark, but for the one being typed on, is `label`."""
    lines = [line.strip() for row, line in enumerate(sight.view.lines) if row != sight.view.row]
    return [line[1:].strip() for line in lines if line[:1] in ("▌", ">", "❯", "▶")] == [label]
