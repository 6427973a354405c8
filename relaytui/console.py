"""The console: the Textual application around a core.

It owns the clock, the screens' context, the operator's terminal (title, bell, attach) and nothing else: what is shown
is the screens' part, what is known the fleet's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from textual.app import App
from textual.screen import Screen
from textual.theme import Theme as TextualTheme

from node_agent.protocol.ids import SessionId
from relaytui.driver import ConsoleDriver
from relaytui.fleet.changes import AskOpened, Change
from relaytui.fleet.keys import SessionKey
from relaytui.link.prompts import Prompt
from relaytui.screens.context import Context
from relaytui.screens.desk import Desk, is_news
from relaytui.screens.grid import GridScreen
from relaytui.screens.live import LiveScreen
from relaytui.screens.panel import PanelScreen
from relaytui.screens.prefix import PrefixScreen
from relaytui.screens.question import QuestionScreen
from relaytui.screens.requests import Failure, outcome
from relaytui.screens.services import Services
from relaytui.screens.source import FleetSource
from relaytui.screens.typing import TypingScreen
from relaytui.widgets.look import look_named
from relaytui.widgets.theme import ROLES, Theme, themes

T = TypeVar("T")

DEFAULT_PREFIX = "ctrl+]"

Attach = Callable[[SessionKey], Awaitable[str]]
"""Joins the terminal to a session until the operator leaves; returns one line on how it ended."""


@dataclass(frozen=True)
class ConsoleOptions:
    """What the operator's config and command line say of the console."""

    theme: str = "dark"
    ascii_only: bool = False
    order: str = "node"
    filter: str = ""
    prefix: str = DEFAULT_PREFIX  # "" until the operator has chosen
    interval: float = 0.1  # seconds between frames of tiles
    bell: bool = True
    operator: str = ""


class Console(App[None], inherit_bindings=False):
    """One operator's view of all nodes."""

    CSS_PATH = "screens/grid.tcss"  # the toolkit reads that of a screen only when it is pushed, and the grid is not
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    TITLE = "relaytui"

    def __init__(
        self,
        source: FleetSource,
        options: ConsoleOptions | None = None,
        attach: Attach | None = None,
        services: Services | None = None,
    ) -> None:
        """Raises ThemeError or FilterError for options that cannot be."""
        self.options = options or ConsoleOptions()
        look = look_named(self.options.theme, ascii_only=self.options.ascii_only)
        desk = Desk(source.fleet, self.options.order)
        desk.set_filter(self.options.filter)
        self.context = Context(
            source,
            desk,
            look,
            self.options.operator,
            self.options.prefix or DEFAULT_PREFIX,
            self.options.interval,
            services or Services(),
        )
        self._join = attach
        self.frames = 0
        """Frames drawn so far; those the terminal was too slow for are not among them."""
        self._is_away = False
        self._attached: SessionKey | None = None
        self._title = ""
        self._unsubscribe: Callable[[], None] = lambda: None
        super().__init__(driver_class=ConsoleDriver)
        for theme in themes().values():
            self.register_theme(textual_theme(theme))
        self.theme = textual_name(look.theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {f"role-{role}": _css_color(self.context.look.theme.color(role)) for role in ROLES}

    def get_default_screen(self) -> Screen[None]:
        return GridScreen(self.context)

    async def on_mount(self) -> None:
        self._unsubscribe = self.context.source.subscribe(self._note)
        await self.context.source.start()
        self._show_title()
        self.set_interval(self.context.interval, self._tick, name="frames")
        if not self.options.prefix and self.context.services.keep_prefix is not None:
            self.push_screen(PrefixScreen(self.context), self._take_prefix)

    async def on_unmount(self) -> None:
        self._unsubscribe()
        self._write("\x1b]2;\x07")

    async def _take_prefix(self, prefix: str | None) -> None:
        keep = self.context.services.keep_prefix
        if prefix is None or keep is None:
            return
        self.context.prefix = prefix
        kept = await outcome(keep(prefix))
        words = f"the prefix is {prefix}; ui.prefix in the config changes it"
        self.grid.say(f"{kept.text}; {prefix} is the prefix until you quit" if isinstance(kept, Failure) else words)

    @property
    def grid(self) -> GridScreen:
        """The main screen."""
        screen = self.screen_stack[0]
        assert isinstance(screen, GridScreen)
        return screen

    # The clock --------------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """One frame for all tiles; skipped while the terminal has not taken the last one."""
        driver = self._driver
        if isinstance(driver, ConsoleDriver):
            if driver.is_behind:
                return
            if driver.take_dropped():
                self.screen.refresh(layout=True)
        for screen in self.screen_stack:
            if isinstance(screen, (LiveScreen, PanelScreen)):
                screen.tick()
        self.frames += 1
        self._show_title()

    def _note(self, changes: list[Change]) -> None:
        if self.options.bell and any(isinstance(change, AskOpened) and is_news(change.view.ask) for change in changes):
            self._ring()
        if self._is_away:
            self._show_title()
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                screen.note(changes)

    # The terminal -----------------------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        asking = self.context.desk.count_asking()
        symbol = self.context.look.symbols
        mark = next(iter(symbol.status.values()))
        title = f"{mark}{asking} relaytui" if asking else "relaytui"
        if title != self._title:
            self._title = title
            self._write(f"\x1b]2;{title}\x07")

    def _ring(self) -> None:
        self._write("\x07")

    def _write(self, data: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(data)

    def has_terminal(self) -> bool:
        """Whether the terminal shows the console, and not what it was lent to."""
        return not self._is_away

    def notify_terminal(self, sequence: str) -> bool:
        """Write a notification to the terminal, unless a session has it: nothing may come between its bytes."""
        if self._is_away:
            return False
        self._write(sequence)
        return True

    def is_looking_at(self, node: str, session: SessionId) -> bool:
        """Whether the operator has that session full screen, or types into it."""
        key = SessionKey(node, session)
        top = self.screen if self.is_running else None
        return self._attached == key or (isinstance(top, TypingScreen) and key in top.keys)

    async def attach(self, key: SessionKey) -> str:
        """Give the terminal to a session until the operator leaves it; returns one line on how it ended."""
        if self._join is None:
            return "this console cannot attach"
        self.context.watcher.look_at(())
        self._attached = key
        ended = await self._lend_terminal(self._join(key))
        return ended.text if isinstance(ended, Failure) else ended

    async def show_demo(self) -> str:
        """Give the terminal to the demo until the operator leaves it; returns one line on that."""
        demo = self.context.services.demo
        if demo is None:
            return "this console cannot run the demo; `relaytui demo` does"
        self.context.watcher.look_at(())
        ended = await self._lend_terminal(demo())
        return ended.text if isinstance(ended, Failure) else "the demo is over and left nothing behind"

    async def _lend_terminal(self, borrower: Awaitable[T]) -> T | Failure:
        """Let somebody else have the terminal until they are done."""
        self._is_away = True
        try:
            with self.suspend():
                return await outcome(borrower)
        finally:
            self._is_away = False
            self._attached = None
            self._title = ""
            self.grid.arrange_sessions()

    async def ask(self, prompt: Prompt) -> str | None:
        """Put a link's question to the operator; None when they would rather not, or are attached elsewhere."""
        if self._is_away or not self.is_running:
            return None
        answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        await self.push_screen(QuestionScreen(self.context, prompt), answered.set_result)
        return await answered

    # Looks ------------------------------------------------------------------------------------------------------------

    def next_theme(self) -> str:
        """Change to the next theme and return its name."""
        names = sorted(themes())
        name = names[(names.index(self.context.look.theme.name) + 1) % len(names)]
        self.set_theme(name)
        return name

    def set_theme(self, name: str) -> None:
        """Draw everything in another theme."""
        look = look_named(name, ascii_only=self.options.ascii_only)
        self.context.look = look
        self.theme = textual_name(look.theme)
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.set_look(look)


def textual_name(theme: Theme) -> str:
    """A name that no theme of the toolkit has."""
    return f"relaytui-{theme.name}"


def textual_theme(theme: Theme) -> TextualTheme:
    """A theme in the toolkit's terms; style sheets use the roles alone, as `$role-…`."""
    colors = {role: _css_color(theme.color(role)) for role in ROLES}
    native = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if theme.native else {}
    return TextualTheme(
        name=textual_name(theme),
        primary=colors["focus"],
        secondary=colors["muted"],
        warning=colors["asking"],
        error=colors["failed"],
        success=colors["done"],
        accent=colors["focus"],
        foreground=colors["text"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["surface"],
        dark=theme.dark,
        ansi=theme.native,
        variables={**native, **{f"role-{role}": color for role, color in colors.items()}},
    )


def _css_color(color: str) -> str:
    return color if color.startswith("#") else f"ansi_{color}"
