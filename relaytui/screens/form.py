"""A few fields in a panel: a new session, a session's title and tags."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from relaytui.screens.context import Context

Submit = Callable[[Mapping[str, str]], Coroutine[Any, Any, str]]
"""Carries out what the form says; returns why that failed, "" where it did not."""


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    choices: Sequence[str] = ()  # left and right go through them; anything else may still be typed


class FormScreen(ModalScreen[bool]):
    """True when it was carried out. A failure stays in the form, with what was typed."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "Input"
    # With priority the field changes before the next key is given to one, however fast they are typed.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "next_field", priority=True, show=False),
        Binding("shift+tab,up", "previous_field", priority=True, show=False),
    ]

    def __init__(
        self, context: Context, title: str, fields: Sequence[Field], submit: Submit, *, first: int = 0
    ) -> None:
        super().__init__()
        self.context = context
        self._title = title
        self._fields = fields
        self._submit = submit
        self._first = first
        self._is_busy = False

    def compose(self) -> ComposeResult:
        with Vertical(id="form") as form:
            form.border_title = self._title
            enter = self.context.look.symbols.enter
            form.border_subtitle = f"{enter} do it · tab next field · esc close"
            for field in self._fields:
                with Horizontal(classes="field"):
                    yield Static(field.label, classes="label", markup=False)
                    yield Input(field.value, placeholder=field.placeholder, id=f"field-{field.name}")
            yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        self.query(Input)[self._first].focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._is_busy:
            return
        self._is_busy = True
        self._say("…" if not self.context.is_ascii else "...")
        values = {field.name: self.query_one(f"#field-{field.name}", Input).value for field in self._fields}
        trouble = await self._submit(values)
        self._is_busy = False
        if not self.is_mounted:
            return
        if trouble:
            self._say(trouble)
        else:
            self.dismiss(True)

    def on_key(self, event: Key) -> None:
        focused = self.focused
        match event.key:
            case "escape":
                self.dismiss(False)
            case "ctrl+n" | "ctrl+p" if isinstance(focused, Input):
                self._cycle(focused, 1 if event.key == "ctrl+n" else -1)
            case _:
                return
        event.stop()
        event.prevent_default()

    def action_next_field(self) -> None:
        self.focus_next(Input)

    def action_previous_field(self) -> None:
        self.focus_previous(Input)

    def _cycle(self, field: Input, by: int) -> None:
        choices = next((item.choices for item in self._fields if f"field-{item.name}" == field.id), ())
        if choices:
            at = choices.index(field.value) if field.value in choices else -by
            field.value = choices[(at + by) % len(choices)]

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)
