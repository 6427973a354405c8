"""A machine becomes a node: the form that names it, and the steps as they come.

An unknown host key is shown for a yes; what fails says what to do, and can be tried again or corrected.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence

from textual.strip import Strip
from textual.worker import Worker

from node_agent.terminal.sanitise import sanitise
from relaytui.config import ConfigError, NodeConfig, Transport
from relaytui.link.errors import HostKeyUnknown, LinkError
from relaytui.link.joining import Attendant, node_at
from relaytui.screens.context import Context
from relaytui.screens.form import Field
from relaytui.screens.panel import PanelScreen
from relaytui.widgets.text import wrap
from relaytui.widgets.view import Hint, Status

CORRECT = "correct"
"""Dismissed with it, the screen wants its form back."""

_LIMIT = 400
_BAR = 24
_TRANSPORTS = (Transport.ASYNCSSH.value, Transport.OPENSSH.value)

AddMachine = Callable[[NodeConfig, Attendant], Awaitable[None]]


def machine_fields(values: Mapping[str, str]) -> list[Field]:
    """The fields of the form, with what was typed before."""
    transport = values.get("transport", _TRANSPORTS[0])
    return [
        Field("host", "host", values.get("host", ""), "[user@]host, as ssh knows it"),
        Field("name", "name", values.get("name", ""), "what it is called; empty: first label or address"),
        Field("tags", "tags", values.get("tags", ""), "its capabilities: gpu cuda12"),
        Field("transport", "transport", transport, "ctrl+n: asyncssh, or the system's ssh", _TRANSPORTS),
    ]


def machine_in(values: Mapping[str, str]) -> NodeConfig:
    """The machine a filled-in form names. Raises ConfigError."""
    if not values["host"].strip():
        raise ConfigError("which machine? write it as ssh knows it: [user@]host")
    if values["transport"].strip() not in _TRANSPORTS:
        raise ConfigError(f"transport is {' or '.join(_TRANSPORTS)}")
    transport, tags = Transport(values["transport"].strip()), tuple(values["tags"].replace(",", " ").split())
    return node_at(values["host"], values["name"].strip(), transport=transport, tags=tags)


def check_machine(values: Mapping[str, str]) -> str:
    """What is wrong with a filled-in form, "" where nothing is."""
    try:
        machine_in(values)
    except ConfigError as error:
        return str(error)
    return ""


class _Stage(enum.Enum):
    WORKING = "working"
    ASKING = "asking"
    FAILED = "failed"
    DONE = "done"


class ArrivalScreen(PanelScreen[str]):
    widest = 92

    def __init__(self, context: Context, node: NodeConfig, add: AddMachine) -> None:
        super().__init__(context)
        self._node = node
        self._add = add
        self._stage = _Stage.WORKING
        self._steps: list[tuple[str, float | None]] = []
        self._question: HostKeyUnknown | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._trouble = ""
        self._worker: Worker[None] | None = None

    @property
    def heading(self) -> str:
        return f"Add {self._node.alias}"

    @property
    def aside(self) -> str:
        user = f"{self._node.user}@" if self._node.user else ""
        return sanitise(f"{user}{self._node.host}", _LIMIT)

    @property
    def hints(self) -> Sequence[Hint]:
        match self._stage:
            case _Stage.WORKING:
                return (Hint("esc", "give up"),)
            case _Stage.ASKING:
                return (Hint("y", "yes, it is the right key"), Hint("n", "no"))
            case _Stage.FAILED:
                return (Hint("r", "try again"), Hint("e", "correct"), Hint("esc", "close"))
            case _Stage.DONE:
                return (Hint(self.look.symbols.enter, "close"),)

    # What happens -----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        super().on_mount()
        self._begin()

    def _begin(self) -> None:
        self._stage, self._steps, self._trouble = _Stage.WORKING, [("connecting", None)], ""
        self._worker = self.run_worker(self._arrive(), group="arrival", exclusive=True)
        self.rebuild()

    async def _arrive(self) -> None:
        try:
            await self._add(self._node, Attendant(self.context.operator, self._tell, None, self._may_trust))
        except (LinkError, ConfigError, OSError) as error:
            self._stage, self._trouble = _Stage.FAILED, sanitise(str(error), _LIMIT)
        else:
            self._stage = _Stage.DONE
        self.rebuild()

    def _tell(self, text: str, share: float | None) -> None:
        step = sanitise(text, _LIMIT)
        if share is not None and self._steps and self._steps[-1][0] == step:
            self._steps[-1] = (step, share)
        else:
            self._steps.append((step, share))
        self.rebuild()

    async def _may_trust(self, question: HostKeyUnknown) -> bool:
        self._question, self._answer = question, asyncio.get_running_loop().create_future()
        self._stage = _Stage.ASKING
        self.rebuild()
        is_yes = await self._answer
        self._stage, self._question, self._answer = _Stage.WORKING, None, None
        return is_yes

    # What is shown ----------------------------------------------------------------------------------------------------

    def body(self, width: int) -> list[Strip]:
        lines = [
            self._step(text, share, width, is_last=place == len(self._steps) - 1)
            for place, (text, share) in enumerate(self._steps)
        ]
        if self._question is not None:
            lines += self._asked(self._question, width)
        if self._trouble:
            lines += [self.line(width).strip(), *self._text(self._trouble, width, "failed")]
        if self._stage is _Stage.DONE:
            words = f"{self._node.alias} is a node now; c starts a session there"
            lines += [self.line(width).strip(), *self._text(words, width, "done")]
        return lines

    def _step(self, text: str, share: float | None, width: int, *, is_last: bool) -> Strip:
        look = self.look
        is_open = is_last and self._stage in (_Stage.WORKING, _Stage.ASKING)
        status = Status.FAILED if is_last and self._trouble else Status.WORKING if is_open else Status.DONE
        line = self.line(width).add(f"{look.symbols.status[status]} ", look.status(status))
        line.add(look.symbols.fold(text), look.text)
        if share is not None and share < 1:
            filled = round(share * _BAR)
            line.add("  ").add(look.symbols.bar * filled, look.focus)
            line.add(look.symbols.rail * (_BAR - filled), look.muted).add(f" {share:4.0%}", look.muted)
        return line.strip()

    def _asked(self, question: HostKeyUnknown, width: int) -> list[Strip]:
        kind = question.key.split()[0] if question.key else ""
        return [
            self.line(width).strip(),
            *self._text("The host key is unknown. Is it the right one?", width, "asking"),
            *self._text(sanitise(f"{question.host}  {kind}", _LIMIT), width, "muted"),
            *self._text(sanitise(question.fingerprint, _LIMIT), width, "text"),
        ]

    def _text(self, text: str, width: int, role: str) -> list[Strip]:
        style = self.look.theme.style(role)
        return [self.line(width).add(part, style).strip() for part in wrap(self.look.symbols.fold(text), width)]

    # Keys -------------------------------------------------------------------------------------------------------------

    async def press(self, key: str) -> bool:
        match (self._stage, key):
            case (_Stage.ASKING, "y" | "n") if self._answer is not None and not self._answer.done():
                self._answer.set_result(key == "y")
            case (_Stage.FAILED, "r"):
                self._begin()
            case (_Stage.FAILED, "e"):
                self.dismiss(CORRECT)
            case (_Stage.DONE, "enter"):
                self.dismiss(None)
            case (_Stage.WORKING | _Stage.ASKING, "escape" | "q"):
                self._give_up()
            case _:
                return False
        return True

    def _give_up(self) -> None:
        """Leave; what has begun is ended in order, and nothing half-done stays on the machine."""
        if self._worker is not None:
            self._worker.cancel()
        self.dismiss(None)
