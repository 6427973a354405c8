"""One line of input at the bottom: the filter, a line to send."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Static

from node_agent.terminal.sanitise import sanitise

_LABEL_LIMIT = 60


class PromptBar(Horizontal):
    """Hidden until opened. Says what was typed on every change, and at the end whether it is meant."""

    DEFAULT_CSS = """
    PromptBar { height: 1; dock: bottom; display: none; background: $role-surface; }
    PromptBar Static { width: auto; color: $role-focus; text-style: bold; padding: 0 1; background: $role-surface; }
    PromptBar Input {
        width: 1fr; height: 1; border: none; padding: 0; color: $role-text; background: $role-surface;
    }
    PromptBar Input:focus { border: none; background-tint: $role-surface 0%; }
    PromptBar Input > .input--placeholder { color: $role-muted; }
    PromptBar Input > .input--cursor { color: $role-text; background: $role-surface; text-style: reverse; }
    """

    class Typed(Message):
        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Done(Message):
        """`text` is None when the operator gave it up."""

        def __init__(self, purpose: str, text: str | None) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._purpose = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt-label", markup=False)
        yield Input(select_on_focus=False, id="prompt-input")

    @property
    def is_open(self) -> bool:
        return bool(self._purpose)

    def open(self, purpose: str, label: str, text: str = "", placeholder: str = "") -> None:
        """Take the keyboard for `purpose`."""
        self._purpose = purpose
        self.query_one(Static).update(sanitise(label, _LABEL_LIMIT))
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text
        field.placeholder = placeholder
        field.cursor_position = len(text)
        self.display = True
        field.focus()

    def close(self) -> None:
        """Give the keyboard back."""
        self._purpose = ""
        self.display = False
        self.screen.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._purpose:
            self.post_message(self.Typed(self._purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._finish(event.value)

    def on_key(self, event: Key) -> None:
        if event.key == "escape":
            event.stop()
            self._finish(None)

    def _finish(self, text: str | None) -> None:
        purpose = self._purpose
        self.close()
        self.post_message(self.Done(purpose, text))
