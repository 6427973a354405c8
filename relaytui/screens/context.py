"""What every screen is given: the source of truth, the desk, and how things look. Owned by the console."""

from __future__ import annotations

from dataclasses import dataclass, field

from relaytui.screens.desk import Desk
from relaytui.screens.services import Services
from relaytui.screens.source import FleetSource
from relaytui.screens.watcher import Watcher
from relaytui.widgets.look import Look
from relaytui.widgets.symbols import ASCII


@dataclass
class Context:
    """Shared by all screens of one console; `look` changes with the theme."""

    source: FleetSource
    desk: Desk
    look: Look
    operator: str = ""
    prefix: str = "ctrl+]"
    interval: float = 0.1  # seconds between frames of tiles
    services: Services = field(default_factory=Services)
    watcher: Watcher = field(init=False)

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.source, self.interval)

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
