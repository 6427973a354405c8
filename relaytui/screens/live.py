"""What the console's clock and the fleet's changes reach: the screens that fill the terminal."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

from relaytui.fleet.changes import Change
from relaytui.widgets.look import Look

T = TypeVar("T")


class LiveScreen(Screen[T], inherit_bindings=False):
    """A screen that shows the fleet as it changes."""

    AUTO_FOCUS = ""

    def tick(self) -> None:
        """Draw what changed since the last tick; called by the console's clock."""
        raise NotImplementedError

    def note(self, changes: list[Change]) -> None:
        """The fleet changed."""
        raise NotImplementedError

    def set_look(self, look: Look) -> None:
        """Draw in another theme from now on."""
        raise NotImplementedError

    @property
    def is_in_sight(self) -> bool:
        """Whether only popups are over it."""
        stack = self.app.screen_stack
        return self in stack and all(screen.is_modal for screen in stack[stack.index(self) + 1 :])
