"""A session painted as cells, for a terminal its output was not made for: of another size, or no xterm.

Theory. Output is written for the size of the session's own terminal; printed raw on another it wraps and scrolls where
it should not. So the screen, as its node emulates it, is painted row by row, cropped to the part where the session is
alive, as a tile shows it. The latest screen wins: a slow terminal skips frames and holds back nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from node_agent.protocol.errors import RemoteProtocolError
from node_agent.terminal.delta import ScreenModel, apply_delta
from node_agent.terminal.spans import WireRow, crop_spans, span_parts
from relaytui.attach.terminal import OperatorTerminal
from relaytui.fleet.keys import SessionKey
from relaytui.link.errors import LinkError, NotConnected
from relaytui.link.streams import ScreenStream
from relaytui.link.supervisor import NodeLink
from relaytui.link.tasks import cancel, spawn
from relaytui.widgets.live_region import live_top

_INTERVAL = 0.05
"""Seconds between frames, at least."""

_XTERM_LIKE = (
    "xterm", "screen", "tmux", "rxvt", "alacritty", "kitty", "foot", "wezterm", "ghostty", "contour",
    "konsole", "gnome", "vte", "putty", "mintty", "iterm", "st-",
)  # fmt: skip  # words, as many as fit a row
_PLAIN_PENS = frozenset({"1", "4", "7"})
"""What any terminal that can place its cursor can also do."""


def is_xterm_like(term: str) -> bool:
    """Whether a terminal of this TERM understands what sessions are told they may print."""
    return term.startswith(_XTERM_LIKE)


def frame(
    screen: ScreenModel, shown: Sequence[WireRow] | None, columns: int, rows: int, *, is_plain: bool
) -> tuple[bytes, list[WireRow]]:
    """The bytes that bring a terminal of this size from the rows `shown` (None: anything) to the screen, and its rows.

    With `is_plain` pens are bold, underlined and reversed alone.
    """
    row, column, is_visible, _ = screen.cursor
    top = live_top(screen.rows, row if is_visible else None, rows, is_alternate=screen.modes.alternate_screen)
    wanted = [crop_spans(line, 0, columns) for line in screen.rows[top : top + rows]]
    wanted += [()] * (rows - len(wanted))
    parts = ["\x1b[0m\x1b[H\x1b[J" if shown is None else "", "\x1b[?25l"]
    for y, line in enumerate(wanted):
        if shown is None or y >= len(shown) or shown[y] != line:
            parts.append(f"\x1b[{y + 1};1H\x1b[0m\x1b[K{_text(line, is_plain=is_plain)}\x1b[0m")
    if is_visible and top <= row < top + rows and column < columns:
        parts.append(f"\x1b[{row - top + 1};{column + 1}H\x1b[?25h")
    return "".join(parts).encode(), wanted


def _text(line: WireRow, *, is_plain: bool) -> str:
    parts = []
    for span in line:
        text, pen, _ = span_parts(span)
        shown = _plain(pen) if is_plain else pen
        parts.append(f"\x1b[0;{shown}m{text}" if shown else f"\x1b[0m{text}")
    return "".join(parts)


def _plain(pen: str) -> str:
    """What of a pen any terminal can show: nothing where the numbers of an extended colour would be attributes."""
    codes = pen.split(";")
    if {"38", "48", "58"} & set(codes):
        return ""
    return ";".join(code for code in codes if code in _PLAIN_PENS)


class CellView:
    """Paints one session from `open` to `close`."""

    def __init__(self, terminal: OperatorTerminal, *, is_plain: bool) -> None:
        self._terminal = terminal
        self._is_plain = is_plain
        self._screen = ScreenModel()
        self._shown: list[WireRow] | None = None
        self._size = (0, 0)
        self._news = asyncio.Event()
        self._stream: ScreenStream | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, link: NodeLink, key: SessionKey) -> None:
        """Have the session's screen sent and paint it as it comes. Raises a LinkError or RequestError."""
        if link.client is None:
            raise NotConnected(f"{key.node}: not connected")
        self._stream = await link.client.watch_screen(key.id, self._take, interval=_INTERVAL)
        self._task = spawn(self._paint(), name=f"cells of {key}")

    def repaint(self) -> None:
        """Paint all of it again: something else was drawn over it, or the terminal has another size."""
        self._shown = None
        self._news.set()

    async def close(self) -> None:
        """End it, the cursor shown on the bottom row."""
        await cancel(self._task)
        self._terminal.write(f"\x1b[0m\x1b[{self._terminal.size()[1]};1H\x1b[?25h".encode())
        if self._stream is not None and self._stream.end_reason is None:
            try:
                await self._stream.close()
            except LinkError:
                pass  # it ended with the link

    def _take(self, _: int, delta: dict[str, Any]) -> None:
        try:
            self._screen = apply_delta(self._screen, delta)
        except ValueError as error:
            raise RemoteProtocolError(str(error)) from error
        self._news.set()

    async def _paint(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            size = self._terminal.size()
            shown = self._shown if size == self._size else None
            data, self._shown = frame(self._screen, shown, *size, is_plain=self._is_plain)
            self._size = size
            self._terminal.write(data)
            await self._terminal.drain()
