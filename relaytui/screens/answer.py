"""The answer popup: what a session asks, its options, and a way to pick one without attaching.

It opens on the operator's key alone. Digits, letters and labels pick; enter has the node answer the ask that is shown:
it chooses by label, refuses when something else is asked by then, and says whether the program went on. Where no option
will do, a field takes text or the names of keys. A following ask is disarmed until the operator's fingers have rested.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import replace

from textual.events import Paste
from textual.strip import Strip

from node_agent.protocol.asks import AnswerAsk, Answered, Outcome
from node_agent.protocol.entities import AskInfo, AskOption
from node_agent.protocol.errors import ErrorCode, RequestError
from node_agent.protocol.states import AskKind
from node_agent.terminal.keys import UnknownKeyError, parse_key
from node_agent.terminal.sanitise import sanitise
from relaytui.fleet.keys import SessionKey
from relaytui.fleet.status import span
from relaytui.fleet.views import SessionView
from relaytui.screens.context import Context
from relaytui.screens.desk import is_put_aside
from relaytui.screens.panel import PanelScreen
from relaytui.screens.requests import Failure, outcome
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint, Status

REST = 0.5
"""Seconds without a key before a following ask takes one."""

_ANSWER_SECONDS = 30.0
"""How long the node may take: it waits for the program to go on."""

_EXCERPT_LIMIT = 2000
_LABEL_LIMIT = 200
_YES_NO = (AskOption("Yes", "y"), AskOption("No", "n"))
_TYPED = (AskKind.TEXT, AskKind.PASSWORD, AskKind.LOGIN)
ATTACH, EXPLAIN, SNOOZE = "attach", "explain", "snooze"
_WISHES = {"alt+a": ATTACH, "alt+e": EXPLAIN, "alt+z": SNOOZE}


class Field(enum.Enum):
    """What the field that the operator has opened takes, by the key that opens it and closes it again."""

    TEXT = "alt+t"
    KEYS = "alt+k"


_FIELDS = {field.value: field for field in Field}


class AnswerScreen(PanelScreen[str]):
    """Dismissed with `attach`, `explain` or `snooze` when the operator would rather do that with `key`."""

    widest = 100
    role = "asking"

    def __init__(self, context: Context, key: SessionKey) -> None:
        super().__init__(context)
        self.key = key
        self._ask: AskInfo | None = None
        self._picked: int | None = None
        self._field: Field | None = None
        self._typed = ""
        self._armed_from = 0.0
        self._said = ""
        self._is_sending = False
        self._take_ask()

    # What is asked ----------------------------------------------------------------------------------------------------

    @property
    def _session(self) -> SessionView | None:
        return self.context.desk.fleet.sessions.get(self.key)

    def _take_ask(self) -> None:
        view = self._session
        self._ask = None if view is None else view.info.ask
        self._picked = self._first_choice()
        self._open(None)

    def _first_choice(self) -> int | None:
        return next((index for index, option in enumerate(self._options) if option.selected or option.default), None)

    @property
    def _options(self) -> Sequence[AskOption]:
        if self._ask is None:
            return ()
        return self._ask.options or (_YES_NO if self._ask.kind is AskKind.CONFIRM else ())

    @property
    def _asks_for_text(self) -> bool:
        """Whether nothing but text, or a password, answers it."""
        return self._ask is not None and not self._options and self._ask.kind in _TYPED

    @property
    def _is_typed(self) -> bool:
        return self._field is not None or self._asks_for_text

    @property
    def _is_masked(self) -> bool:
        return self._field is None and self._ask is not None and self._ask.kind is AskKind.PASSWORD

    def _open(self, field: Field | None) -> None:
        """Open an empty field; the ask's own way of answering with None."""
        is_its_own = field is Field.TEXT and self._asks_for_text
        self._field, self._typed = None if is_its_own else field, ""

    def tick(self) -> None:
        view = self._session
        ask = None if view is None else view.info.ask
        if (ask and ask.id) != (self._ask and self._ask.id) and not self._is_sending:
            had_one = self._ask is not None
            self._take_ask()
            if self._ask is not None and had_one:
                self._armed_from = self.context.now() + REST
        elif ask is not None:
            self._ask = ask
        self.rebuild()

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        view, symbol = self._session, self.look.symbols
        title = "" if view is None else sanitise(view.info.title, _LABEL_LIMIT)
        return f"{symbol.status[Status.ASKING]} {sanitise(str(self.key), _LABEL_LIMIT)} {symbol.separator} {title}"

    @property
    def aside(self) -> str:
        view, ask = self._session, self._ask
        if view is None or ask is None:
            return ""
        parts = [ask.program or view.info.program, ask.cwd or view.info.cwd]
        age = span(view.info.attention_age + self.context.now() - view.seen)
        return f" {self.look.symbols.separator} ".join(
            [*(sanitise(part, 40) for part in parts if part), f"asked {age} ago"]
        )

    @property
    def hints(self) -> Sequence[Hint]:
        enter = self.look.symbols.enter
        others = [view for view in self.context.desk.asking(self.context.now()) if view.key != self.key]
        waiting = sum(not is_put_aside(view.ask) for view in others)  # as the status line counts them
        following = [Hint("tab", f"next ({waiting} more)" if waiting else "next")] if others else []
        hints = [*(Hint(key, wish) for key, wish in _WISHES.items()), Hint("esc", "close")]
        text, keys = Hint(Field.TEXT.value, "text"), Hint(Field.KEYS.value, "keys")
        if self._ask is None:
            return [*following, *hints]
        if self._field is not None:
            back = Hint(self._field.value, "back")
            other = [keys] if self._field is Field.TEXT else [] if self._asks_for_text else [text]
            return [Hint(enter, f"send {self._field.name.lower()}"), *following, back, *other, Hint("esc", "close")]
        if self._options:
            return [Hint(f"1-{len(self._options)} {enter}", "answer"), *following, text, *hints]
        return [Hint(enter, "answer"), *following, keys, *hints]

    def body(self, width: int) -> list[Strip]:
        look = self.look
        if self._ask is None:
            return [self.line(width).add(self._said or "Nothing is asked any more.", look.muted).strip()]
        excerpt = sanitise(self._ask.excerpt, _EXCERPT_LIMIT, multiline=True)
        lines = [self.line(width).add(look.symbols.fold(part)).strip() for part in excerpt.split("\n")]
        if self._ask.command:
            command = wrap(sanitise(self._ask.command, _EXCERPT_LIMIT), max(8, width - 2))
            lines += [self.line(width).add(f"  {part}", look.strong).strip() for part in command]
        if self._options:
            lines.append(self.line(width).strip())
            lines += [self._option(index, option, width) for index, option in enumerate(self._options)]
        if self._is_typed:
            shown = "*" * len(self._typed) if self._is_masked else self._typed
            field = self.line(width).add(f"{look.symbols.pointer} ", look.key).add(look.symbols.fold(shown))
            field.add(" ", look.filled("focus"))
            if self._field is Field.KEYS and not shown:
                field.add(" names of keys, as: down down enter", look.muted)
            lines += [self.line(width).strip(), field.strip()]
        if self._said:
            lines += [self.line(width).strip(), self.line(width).add(self._said, look.theme.style("asking")).strip()]
        return lines

    def _option(self, index: int, option: AskOption, width: int) -> Strip:
        look, is_picked = self.look, index == self._picked
        label = look.symbols.fold(sanitise(option.label, _LABEL_LIMIT))
        line = self.line(width)
        line.add(f"{look.symbols.pointer if is_picked else ' '} ", look.key)
        line.add(f"{index + 1:<3}", look.key)
        line.add(label, look.filled("asking") if is_picked else look.text)
        own_key = "" if option.key == str(index + 1) else sanitise(option.key, 12)
        return line.add(f"  {own_key}" if own_key else "", look.muted).strip()

    # Keys -------------------------------------------------------------------------------------------------------------

    async def press(self, key: str) -> bool:
        if key == "escape":
            return False
        if key in _WISHES:
            self.dismiss(_WISHES[key])
        elif key in ("tab", "shift+tab"):
            self._go_on(1 if key == "tab" else -1)
        elif self.context.now() < self._armed_from:
            self._armed_from = self.context.now() + REST
        elif self._ask is not None and not self._is_sending:
            self._answer_key(key, self._ask)
        self.rebuild()
        return True

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if self._is_typed:
            self._typed += sanitise(event.text, _EXCERPT_LIMIT)
            self.rebuild()

    def _go_on(self, by: int) -> None:
        desk, now = self.context.desk, self.context.now()
        key = desk.next_asking(now, by, after=self.key)
        if key is not None and key != self.key:
            desk.go_to(key, now)
            self.key, self._said = key, ""
            self._take_ask()

    def _answer_key(self, key: str, ask: AskInfo) -> None:
        if key in _FIELDS:
            field = _FIELDS[key]
            self._open(None if field is self._field else field)
            self._said = ""
        elif self._is_typed:
            self._type(key, ask)
        elif not self._options:
            if key == "enter" or len(key) == 1:
                self._send(replace(_answer_to(ask), keys=(key,)))
        else:
            self._choose(key, ask)

    def _type(self, key: str, ask: AskInfo) -> None:
        match key:
            case "enter":
                self._send_typed(ask)
            case "backspace":
                self._typed = self._typed[:-1]
            case "space":
                self._typed += " "
            case _ if len(key) == 1:
                self._typed += key

    def _choose(self, key: str, ask: AskInfo) -> None:
        match key:
            case "up" | "down":
                at = -1 if self._picked is None else self._picked
                self._picked = max(0, min(len(self._options) - 1, at + (1 if key == "down" else -1)))
            case "enter":
                self._send_option(ask)
            case _:
                self._pick(key)

    def _pick(self, key: str) -> None:
        """Pick by number, by the option's own key, or by the first letter of a label no other starts with."""
        if key.isdecimal():
            if 0 < int(key) <= len(self._options):
                self._picked = int(key) - 1
            return
        own = [index for index, option in enumerate(self._options) if option.key == key]
        first = [index for index, option in enumerate(self._options) if option.label[:1].lower() == key.lower()]
        found = own or first
        if len(found) == 1:
            self._picked = found[0]

    def _send_typed(self, ask: AskInfo) -> None:
        typed, keys = self._typed, tuple(self._typed.split())
        if self._field is not None and not keys:
            self._said = "type something first"
            return
        if self._field is Field.KEYS and (trouble := _trouble_with(keys)):
            self._said = f"not sent: {trouble}"
            return
        request = _answer_to(ask)
        if self._field is Field.KEYS:
            request = replace(request, keys=keys)
        elif self._is_masked:
            request = replace(request, secret=typed)
        else:
            request = replace(request, text=typed)
        self._open(None)
        self._send(request)

    def _send_option(self, ask: AskInfo) -> None:
        if self._picked is None:
            self._said = "pick an option first"
            return
        label = self._options[self._picked].label
        if not ask.options:
            self._send(replace(_answer_to(ask), yes=self._picked == 0), label)
        elif sum(option.label == label for option in ask.options) == 1:
            self._send(replace(_answer_to(ask), label=label), label)
        else:
            self._send(replace(_answer_to(ask), option=self._picked + 1), label)

    def _send(self, request: AnswerAsk, label: str = "") -> None:
        """Leave the answer to the node; the popup goes on hearing keys meanwhile."""
        self._is_sending, self._said = True, "answering"
        self.run_worker(self._sent(request, label), group="answer")

    async def _sent(self, request: AnswerAsk, label: str) -> None:
        reply = await outcome(self.context.source.request(self.key.node, request, _ANSWER_SECONDS))
        self._is_sending = False
        self._armed_from = self.context.now() + REST
        self._said = _words(reply, sanitise(label, _LABEL_LIMIT))
        if isinstance(reply, Failure) or reply.outcome is Outcome.REFUSED:
            self._take_ask()
        self.tick()


def _trouble_with(keys: Sequence[str]) -> str:
    """What is wrong with the first of these names that is no key's."""
    for name in keys:
        try:
            parse_key(name)
        except UnknownKeyError as error:
            return sanitise(str(error), _LABEL_LIMIT)
    return ""


def _answer_to(ask: AskInfo) -> AnswerAsk:
    return AnswerAsk(ask.id, uuid.uuid4().hex)


def _words(reply: Answered | Failure, label: str) -> str:
    """What became of an answer, as one line."""
    if isinstance(reply, Failure):
        is_changed = isinstance(reply.error, RequestError) and reply.error.code is ErrorCode.CHANGED
        return "not sent: the question changed" if is_changed else f"not sent: {reply.text}"
    why = sanitise(reply.why, _LABEL_LIMIT)
    match reply.outcome:
        case Outcome.ACCEPTED:
            return f'answered "{label}"' if label else "answered"
        case Outcome.REFUSED:
            return f"not sent: {why}"
        case Outcome.UNCONFIRMED:
            return f"sent, not confirmed: {why}"
