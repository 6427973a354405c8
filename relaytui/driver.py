"""The terminal driver: Textual's, but it never lets a slow or borrowed terminal stop the event loop.

Textual writes through a thread with a queue of 30 frames and blocks the loop when it is full: a terminal that does not
read froze everything for seconds, and a refresh while the application is suspended, when nobody empties the queue,
blocks for good. Here such frames are dropped, and the screen is painted whole once the terminal reads again.
"""

from __future__ import annotations

import os
import select
import termios
import time

from textual.drivers.linux_driver import LinuxDriver

_LEAVE_ROOM = 4
"""Queued frames beyond which new ones are dropped; control sequences of start and end still find room."""

_QUIET = 0.03
_DRAIN_AT_MOST = 0.3


class ConsoleDriver(LinuxDriver):
    """Drops what a terminal cannot take instead of waiting for it."""

    _is_away = False
    _has_dropped = False

    @property
    def backlog(self) -> int:
        """Frames the terminal has not taken yet."""
        return 0 if self._writer_thread is None else self._writer_thread._queue.qsize()

    @property
    def is_behind(self) -> bool:
        """Whether a new frame would only wait behind an old one."""
        return self._is_away or self.backlog > 0

    def take_dropped(self) -> bool:
        """Whether frames were dropped since the last call, so that the screen must be painted whole."""
        dropped, self._has_dropped = self._has_dropped, False
        return dropped

    def write(self, data: str) -> None:
        if self._is_away or self._writer_thread is None or self.backlog > _LEAVE_ROOM:
            self._has_dropped = True
            return
        super().write(data)

    def suspend_application_mode(self) -> None:
        super().suspend_application_mode()
        self._is_away = True

    def resume_application_mode(self) -> None:
        self._drain_input()
        self._is_away = False
        super().resume_application_mode()

    def _drain_input(self) -> None:
        """Swallow late replies of the terminal, which would be taken for key presses."""
        until = time.monotonic() + _DRAIN_AT_MOST
        try:
            while time.monotonic() < until and select.select([self.fileno], [], [], _QUIET)[0]:
                if not os.read(self.fileno, 4096):
                    return
            termios.tcflush(self.fileno, termios.TCIFLUSH)
        except (OSError, termios.error):
            return  # not a terminal: nothing can have been queued
