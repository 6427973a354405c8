"""The ways of answering: choose, type a text or a secret, press keys, pick from a list.

A line the kernel edits goes in as one block with its Enter, which leaves no moment between them; elsewhere the text or
the marked option is seen on screen before Enter follows apart.
"""

from __future__ import annotations

import functools
from typing import Callable, Optional, Set, Tuple

from node_agent.core.choice import ChoiceError, choose
from node_agent.detect.prompts import Shape, normalised
from node_agent.detect.rules import Role
from node_agent.detect.sight import Sight
from node_agent.io.agent import Agent
from node_agent.io.answer_steps import SHOWN, AnswerSteps, Look, Refusal, plain
from node_agent.io.keyboard import Keyboard
from node_agent.io.live_session import LiveSession
from node_agent.protocol.asks import AnswerAsk, Outcome
from node_agent.protocol.states import AskKind
from node_agent.terminal.engine import Modes
from node_agent.terminal.keys import encode_paste
from node_agent.terminal.sanitise import sanitise

MOST_MOVES = 60


class AnswerDrive:
    """Gives one answer in one session; `steps` say how far it came. `obstacle` is asked before anything is typed."""

    def __init__(
        self,
        agent: Agent,
        keyboard: Keyboard,
        session: LiveSession,
        request: AnswerAsk,
        obstacle: Callable[[], str],
    ) -> None:
        self.steps = AnswerSteps(agent, keyboard, session, request, obstacle)
        self._session = session
        self._request = request

    async def run(self) -> Tuple[Outcome, str]:
        """Carry it out. Raises Refusal, RequestError and KeeperError."""
        request = self._request
        look = await self.steps.look()
        if request.keys:
            return await self._press_keys()
        if request.secret is not None:
            return await self._type_secret(look, request.secret)
        kind = self.steps.asked().kind
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
        self.steps.chosen = sanitise(option.label, 200)
        if prompt.shape in (Shape.MENU, Shape.BUTTONS):
            return await self._select(option.label)
        word = option.key or option.label
        if look.sight.is_cooked:
            return await self.steps.submit(lambda seen: self._line(seen, word))
        return await self._type_and_enter(word, may_submit=True)

    async def _type_text(self, look: Look, text: str) -> Tuple[Outcome, str]:
        prompt = look.sight.prompt
        if prompt.shape is Shape.MENU and (prompt.options or Role.PICKER in look.sight.roles):
            raise Refusal("it asks to choose: answer with a label")
        if "\n" in text.strip("\n") and (look.sight.is_cooked or not look.sight.view.bracketed_paste):
            raise Refusal("the program takes one line: text of several would answer what comes next, too")
        text = text.strip("\n")
        if look.sight.is_cooked:
            return await self.steps.submit(lambda seen: self._line(seen, text))
        return await self._type_and_enter(text, may_submit=False)

    async def _type_secret(self, look: Look, secret: str) -> Tuple[Outcome, str]:
        is_masked = not look.sight.is_cooked and look.sight.prompt.kind is AskKind.PASSWORD
        if not (look.sight.is_hidden or is_masked):
            raise Refusal("it does not hide what is typed: a secret would stand on the screen and in the journal")
        if encode_paste(secret, self.steps.modes) != secret.encode() and not look.sight.view.bracketed_paste:
            raise Refusal("the secret holds control characters: attach to type it")
        if look.sight.is_hidden:
            return await self.steps.submit(lambda seen: self._checked(seen.is_hidden, secret.encode() + b"\r"))
        head = (await self.steps.act(lambda seen: secret.encode(), submits=False)).head
        await self.steps.until(lambda: self._session.model.head > head or None, SHOWN)
        return await self.steps.submit(lambda seen: self._enter())

    async def _press_any_key(self, look: Look) -> Tuple[Outcome, str]:
        if self._request.yes is not True:
            raise Refusal("it waits for a key: answer with yes or keys")
        return await self.steps.submit(lambda seen: self._enter())

    async def _press_keys(self) -> Tuple[Outcome, str]:
        self.steps.chosen = "keys"
        for key in self._request.keys:
            self.steps.encoded(key)  # a bad name is refused before the first is typed
        for number, key in enumerate(self._request.keys):
            if number:
                await self.steps.quiet()
            look = await self.steps.press(key, submits=True)
        return await self.steps.confirm(look)

    async def _type_and_enter(self, text: str, may_submit: bool) -> Tuple[Outcome, str]:
        """Type into a program that edits its line itself; Enter follows once the text is seen there.

        What `may_submit` is the key of an option, and is typed as a key: pasted, a program that takes keys would show
        it and, at Enter, go by its default.
        """
        look = await self.steps.act(lambda seen: self._typed(seen, text, as_keys=may_submit), submits=may_submit)

        def is_over() -> Optional[bool]:
            sight = self.steps.sight_if_open()
            if sight is None:
                return True if may_submit else None
            if may_submit:  # some programs write the option's name for its key
                return False if sight.typed in (normalised(text), normalised(self.steps.chosen)) else None
            return False if sight.shows(text) else None

        has_gone_on = await self.steps.until(is_over, SHOWN)
        if has_gone_on:
            return await self.steps.confirm(look)
        if has_gone_on is None:
            raise Refusal("what was typed does not show at the prompt: attach to see")
        return await self.steps.submit(lambda seen: self._enter())

    async def _select(self, label: str) -> Tuple[Outcome, str]:
        """Move the mark to the option of that label, see it there, and submit."""
        has_tried: Set[str] = set()
        for _ in range(MOST_MOVES):
            look = await self.steps.look()
            target, selected = self._place(look.sight, label), look.sight.selected
            if selected == target:
                return await self.steps.submit(lambda seen: self._checked(self._is_at(seen, label), self._enter()))
            if selected is None:
                raise Refusal("which option is marked cannot be seen: use keys or attach")
            key = self._towards(look.sight, target, has_tried)
            is_hot = key == look.sight.prompt.options[target].key
            look = await self.steps.press(key, submits=is_hot)
            if not await self.steps.until(functools.partial(self._has_moved, selected), SHOWN / 4):
                has_tried.add(key)
            elif is_hot and self.steps.sight_if_open() is None:
                return await self.steps.confirm(look)
        raise Refusal(f"the mark did not come to {label!r}: use keys or attach")

    async def _pick(self, label: str) -> Tuple[Outcome, str]:
        """Filter a picker's list down to `label`, and take it once the picker's own mark stands at it."""
        self.steps.chosen = sanitise(label, 200)
        await self.steps.act(lambda seen: encode_paste(label, self._unbracketed), submits=False)
        await self.steps.until(lambda: _is_pointed_at(self.steps.detection.sight(), label) or None, SHOWN)

        def enter(seen: Sight) -> bytes:
            return self._checked(_is_pointed_at(seen, label), self._enter(), f"no line {label!r} is marked")

        return await self.steps.submit(enter)

    # -- the marked option ----------------------------------------------------------------------------------------

    def _has_moved(self, before: int) -> Optional[bool]:
        sight = self.steps.sight_if_open()
        return None if sight is not None and sight.selected == before else True

    def _place(self, sight: Sight, label: str) -> int:
        places = [place for place, option in enumerate(sight.prompt.options) if plain(option.label) == plain(label)]
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

    @property
    def _unbracketed(self) -> Modes:
        """The modes for text that must arrive as if it were typed."""
        return self.steps.modes._replace(bracketed_paste=False)

    def _line(self, sight: Sight, text: str) -> bytes:
        """A whole line for a line the kernel edits; it must be empty, and still be edited by the kernel."""
        data = encode_paste(text, self._unbracketed)
        return self._checked(sight.is_cooked, self._typed_after(sight, data + b"\r"))

    def _typed(self, sight: Sight, text: str, as_keys: bool) -> bytes:
        return self._typed_after(sight, encode_paste(text, self._unbracketed if as_keys else self.steps.modes))

    def _typed_after(self, sight: Sight, data: bytes) -> bytes:
        if sight.typed:
            raise Refusal("something is typed there already: attach to finish it")
        return data

    def _checked(self, holds: bool, data: bytes, why: str = "the prompt changed: look again") -> bytes:
        if not holds:
            raise Refusal(why)
        return data

    def _enter(self) -> bytes:
        return self.steps.encoded("enter")


def _is_pointed_at(sight: Sight, label: str) -> bool:
    """Whether the one line with a picker's mark, but for the one being typed on, is `label`."""
    lines = [line.strip() for row, line in enumerate(sight.view.lines) if row != sight.view.row]
    return [line[1:].strip() for line in lines if line[:1] in ("▌", ">", "❯", "▶")] == [label]
