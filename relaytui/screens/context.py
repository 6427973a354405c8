"""What every screen is given: the source of truth, the desk, and how things look. Owned by the console."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from relaytui.fleet.keys import SessionKey
from relaytui.screens.desk import Desk
from relaytui.screens.source import FleetSource
from relaytui.widgets.look import Look
from relaytui.widgets.symbols import ASCII


class Attacher(Protocol):
    """Joins the operator's terminal to a session while the console is suspended; returns a line on how it ended."""

    async def __call__(self, key: SessionKey) -> str: ...


@dataclass
class Context:
    """Shared by all screens of one console; `look` changes with the theme."""

    source: FleetSource
    desk: Desk
    look: Look
    operator: str = ""
    prefix: str = "ctrl+]"
    interval: float = 0.1  # seconds between frames of tiles
    nodes: tuple[str, ...] = field(default=())

    @property
    def is_ascii(self) -> bool:
        return self.look.symbols is ASCII

    def now(self) -> float:
        """The clock ages are counted by."""
        return self.source.now()

    def key_pressed(self) -> None:
        """Tiles keep their places for a moment, lost nodes are tried at once."""
        self.desk.order.key_pressed(self.now())
        self.source.nudge()
