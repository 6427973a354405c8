"""What programs announce by OSC, for the `pyte` engine: titles, directory, notifications, progress, marks, clipboard.

It owns that state and what each string means, and knows no screen. Text goes on as it was sent, capped; colours set by
a program are ignored, since colours are the operator's.
"""

from __future__ import annotations

import base64
import binascii
from typing import Callable, Dict, List, Tuple

from node_agent.terminal.engine import EventKind

TITLE_LIMIT = 4096
TITLES_DEPTH = 16
NOTIFICATION_LIMIT = 4096
NOTIFICATIONS_OPEN = 16
CLIPBOARD_LIMIT = 128 * 1024

Emit = Callable[[EventKind, str], None]


class Announcements:
    """The state OSC strings leave, and the events they cause, through `emit`."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.title = self.icon = self.cwd = ""
        self.titles: List[Tuple[str, str]] = []
        self._open: Dict[str, Tuple[str, str]] = {}

    def read(self, code: str, text: str) -> None:
        """Take `OSC code ; text`; an unknown code means nothing."""
        if code in ("0", "1"):
            self.icon = text[:TITLE_LIMIT]
        if code in ("0", "2"):
            self._set_title(text[:TITLE_LIMIT])
        elif code == "7":
            self.cwd = text[:TITLE_LIMIT]
            self._emit(EventKind.CWD, self.cwd)
        elif code == "9":
            self._iterm(text)
        elif code == "52":
            if text.partition(";")[2] != "?" and len(text) <= CLIPBOARD_LIMIT:
                self._emit(EventKind.CLIPBOARD, text)
        elif code == "99":
            self._kitty(text)
        elif code == "133":
            self._prompt_mark(text)
        elif code == "777" and text.startswith("notify;"):
            title, _, body = text[7:].partition(";")
            self._notify(title, body)

    def push_title(self) -> None:
        """XTWINOPS 22; the oldest goes when too many are pushed."""
        self.titles = [*self.titles, (self.title, self.icon)][-TITLES_DEPTH:]

    def pop_title(self) -> None:
        """XTWINOPS 23."""
        if self.titles:
            title, self.icon = self.titles.pop()
            self._set_title(title)

    def _set_title(self, title: str) -> None:
        self.title = title
        self._emit(EventKind.TITLE, title)

    def _notify(self, title: str, body: str) -> None:
        self._emit(EventKind.NOTIFICATION, f"{title}\n{body}"[:NOTIFICATION_LIMIT])

    def _iterm(self, text: str) -> None:
        """A notification, or one of ConEmu's numbered requests, of which 4 is progress."""
        number, separator, rest = text.partition(";")
        if number == "4" and rest[:1] in ("0", "1", "2", "3", "4"):
            percent = rest.partition(";")[2]
            self._emit(EventKind.PROGRESS, f"{rest[0]};{percent[:3] if percent.isdigit() else ''}")
        elif not (separator and number.isdigit() and len(number) <= 2):
            self._notify("", text)

    def _kitty(self, text: str) -> None:
        """A notification in one or more parts under an identifier (kitty's desktop notifications)."""
        header, _, payload = text.partition(";")
        fields = dict(item.partition("=")[::2] for item in header.split(":") if item)
        if fields.get("e") == "1":
            try:
                payload = base64.b64decode(payload, validate=True).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                return
        part = fields.get("p", "title")
        if part not in ("title", "body"):
            return
        name = fields.get("i", "")
        title, body = self._open.pop(name, ("", ""))
        if part == "title":
            title = (title + payload)[:NOTIFICATION_LIMIT]
        else:
            body = (body + payload)[:NOTIFICATION_LIMIT]
        if fields.get("d") != "0":
            self._notify(title, body)
        elif len(self._open) < NOTIFICATIONS_OPEN:
            self._open[name] = (title, body)

    def _prompt_mark(self, text: str) -> None:
        mark, _, rest = text.partition(";")
        status = rest.partition(";")[0]
        if mark == "D" and status.lstrip("-").isdigit():
            self._emit(EventKind.PROMPT_MARK, f"D;{status}")
        elif mark in ("A", "B", "C", "D"):
            self._emit(EventKind.PROMPT_MARK, mark)
