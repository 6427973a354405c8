"""What the console's clock and the fleet's changes reach: the screens that fill the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from textual.screen import Screen

from relaytui.actions.action import Action, key_label
from relaytui.fleet.changes import Change
from relaytui.screens.context import Context
from relaytui.widgets.footer import MESSAGE_SECONDS, Footer
from relaytui.widgets.look import Look
from relaytui.widgets.view import Hint

T = TypeVar("T")


class LiveScreen(Screen[T], inherit_bindings=False):
    """A screen that shows the fleet as it changes, and in its last line the keys that do something now."""

    AUTO_FOCUS = ""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._footer = Footer(context.look)
        self._message_until = 0.0

    def tick(self) -> None:
        """Draw what changed since the last tick; called by the console's clock."""
        raise NotImplementedError

    def note(self, changes: list[Change]) -> None:
        """The fleet changed."""
        raise NotImplementedError

    def set_look(self, look: Look) -> None:
        """Draw in another theme from now on."""
        raise NotImplementedError

    def say(self, message: str, role: str = "text") -> None:
        """Show a line in the footer for a moment."""
        self._message_until = self.context.now() + MESSAGE_SECONDS
        self._footer.say(message, role)

    def _offer(self, hints: Sequence[Hint], right: str = "") -> None:
        """Show these keys in the footer, in place of a message that has stood there for its time."""
        if self._footer.message and self.context.now() >= self._message_until:
            self._footer.say("")
        self._footer.show(hints, right)

    def _hints(self, actions: Iterable[Action]) -> list[Hint]:
        """The first key of each action, and its title."""
        ascii_only = self.context.is_ascii
        return [Hint(key_label(action.keys[0], ascii_only=ascii_only), action.title) for action in actions]

    @property
    def is_in_sight(self) -> bool:
        """Whether only popups are over it."""
        stack = self.app.screen_stack
        return self in stack and all(screen.is_modal for screen in stack[stack.index(self) + 1 :])
