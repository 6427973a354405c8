"""An operator at a console without a terminal: presses keys and says what can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widget import Widget

from relaytui.console import Console, ConsoleOptions
from relaytui.fleet.keys import SessionKey
from relaytui.widgets.footer import Footer
from relaytui.widgets.grid import TileGrid
from relaytui.widgets.tile import Tile
from relaytui.widgets.toasts import Toasts
from tests.console.scripted import ScriptedSource

_TRIES = 300
_REAL_SECONDS = 30.0
_ROUNDS = 3
"""A key may pass from the application to a widget and back before an action is run."""


@dataclass
class Operator:
    """Every method that acts waits until the console has drawn what came of it."""

    console: Console
    source: ScriptedSource
    pilot: Pilot[Any]

    async def press(self, *keys: str) -> Operator:
        """Press keys as the terminal's driver delivers them: `n`, `?`, `enter`, `ctrl+p`."""
        for key in keys:
            self.console.post_message(_key_event(key))
            await self._settle()
        return await self.look()

    async def burst(self, *keys: str) -> Operator:
        """Press keys so fast that all come before the first was handled."""
        for key in keys:
            self.console.post_message(_key_event(key))
        return await self.look()

    async def wait(self, seconds: float) -> Operator:
        """Let the fleet's clock go on; no real time passes."""
        self.source.time += seconds
        return await self.look()

    async def look(self) -> Operator:
        """See the console as it is now."""
        await self._settle()
        self.console._tick()
        await self._settle()
        return self

    async def _settle(self) -> None:
        """Wait until the messages sent so far, and those they led to, have been handled."""
        for _ in range(_ROUNDS):
            handled = asyncio.Event()
            self.console.call_later(handled.set)
            await handled.wait()
            await self.pilot.pause(0)

    async def resize(self, columns: int, rows: int) -> Operator:
        await self.pilot.resize_terminal(columns, rows)
        await self.look()
        return await self.look()

    async def until(self, fact: Callable[[], object]) -> Operator:
        """Wait for a fact, not for a time."""
        for _ in range(_TRIES):
            if fact():
                return self
            await self.look()
            await asyncio.sleep(0.01)
        raise AssertionError("it never came true; the screen:\n" + self.text)

    async def until_seen(self, *texts: str) -> Operator:
        """Wait until all of these are on screen, for as long as real programs may take."""
        async with asyncio.timeout(_REAL_SECONDS):
            while not all(map(self.sees, texts)):
                await self.look()
                await asyncio.sleep(0.02)
        return self

    # What can be seen -------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The whole screen as text."""
        strips = self.console.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def sees(self, text: str) -> bool:
        return text in self.text

    @property
    def focus(self) -> SessionKey | None:
        return self.console.context.desk.focus

    @property
    def message(self) -> str:
        """What the footer says in place of keys."""
        return self.console.screen.query_one(Footer).message

    @property
    def toasts(self) -> list[str]:
        toasts = self.console.grid.query_one(Toasts)
        return [view.key for view in toasts.views] if toasts.display else []

    @property
    def screen_name(self) -> str:
        return type(self.console.screen).__name__

    def tiles(self) -> list[str]:
        """The sessions in sight, in their places."""
        tiles = self.console.grid.query_one(TileGrid).tiles
        return [tile.view.key for tile in tiles if tile.view is not None]

    def tile(self, key: str) -> Tile:
        tile = self.console.grid.query_one(TileGrid).tile_of(key)
        assert tile is not None, f"{key} is not in sight: {self.tiles()}"
        return tile

    def tile_lines(self, key: str) -> list[str]:
        return widget_lines(self.tile(key))

    def tile_segments(self, key: str, line: int) -> list[Segment]:
        return list(self.tile(key).render_line(line))


def _key_event(key: str) -> Key:
    if len(key) == 1:
        return Key(_character_to_key(key), key)
    return Key(key, " " if key == "space" else None)


def widget_lines(widget: Widget) -> list[str]:
    """A widget's own lines, whatever lies over it."""
    return [widget.render_line(y).text for y in range(widget.size.height)]


@asynccontextmanager
async def at_console(
    source: ScriptedSource, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[Operator]:
    """A running console of this size on a scripted fleet.

    `attach` is what joins a session's terminal, `services` what the console can do besides.
    """
    attach, services = options.pop("attach", None), options.pop("services", None)
    console = Console(source, ConsoleOptions(**options), attach, services)
    async with console.run_test(size=size) as pilot:
        operator = Operator(console, source, pilot)
        await operator.look()
        yield operator
