"""What OSC strings ask for: titles, links, directory, notifications, progress, marks, clipboard.

Each becomes state or an event; text goes on as it was sent, capped. Colours set by OSC 4, 10, 11, 12 and 104 are
ignored, since colours are the operator's: queries are answered from configuration whatever a program set, and tiles
are drawn in the operator's theme. DCS, APC, PM and SOS ask for nothing here.
"""

from __future__ import annotations

import base64
import binascii

from node_agent.terminal.engine import EventKind
from node_agent.terminal.links import link_of
from node_agent.terminal.tokenizer import decode_text
from node_agent.terminal.vt.terminal import TITLE_LIMIT, Terminal

NOTIFICATION_LIMIT = 4096
CLIPBOARD_LIMIT = 128 * 1024
NOTIFICATIONS_OPEN = 16


def osc(terminal: Terminal, body: str) -> None:
    """Do what `OSC body` says."""
    code, _, argument = body.partition(";")
    action = _ACTIONS.get(code)
    if action is not None:
        action(terminal, decode_text(argument))


def _title_and_icon(terminal: Terminal, text: str) -> None:
    _icon(terminal, text)
    _title(terminal, text)


def _icon(terminal: Terminal, text: str) -> None:
    terminal.icon = text[:TITLE_LIMIT]


def _title(terminal: Terminal, text: str) -> None:
    set_title(terminal, text[:TITLE_LIMIT])


def set_title(terminal: Terminal, title: str) -> None:
    """Name the window."""
    terminal.title = title
    terminal.emit(EventKind.TITLE, title)


def pop_title(terminal: Terminal, _: object) -> None:
    """XTWINOPS 23."""
    if terminal.titles:
        title, terminal.icon = terminal.titles.pop()
        set_title(terminal, title)


def _directory(terminal: Terminal, url: str) -> None:
    terminal.cwd = url[:TITLE_LIMIT]
    terminal.emit(EventKind.CWD, terminal.cwd)


def _link(terminal: Terminal, argument: str) -> None:
    """OSC 8 ; parameters ; target."""
    link = link_of(argument)
    if link is not None and terminal.links.is_news(link, terminal.events):
        terminal.emit(EventKind.HYPERLINK, link)
    terminal.set_pen(terminal.brush.pen._replace(link=link))


def _notify(terminal: Terminal, title: str, body: str) -> None:
    terminal.emit(EventKind.NOTIFICATION, f"{title}\n{body}"[:NOTIFICATION_LIMIT])


def _osc_9(terminal: Terminal, argument: str) -> None:
    """iTerm2's notification, or ConEmu's numbered requests, of which 4 is progress."""
    number, _, rest = argument.partition(";")
    if number == "4" and rest[:1] in ("0", "1", "2", "3", "4"):
        state, _, percent = rest.partition(";")
        terminal.emit(EventKind.PROGRESS, f"{state[:1]};{percent[:3] if percent.isdigit() else ''}")
    elif not (number.isdigit() and len(number) <= 2 and number != argument):
        _notify(terminal, "", argument)


def _osc_777(terminal: Terminal, argument: str) -> None:
    """urxvt's `notify ; title ; body`."""
    kind, _, rest = argument.partition(";")
    if kind == "notify":
        title, _, body = rest.partition(";")
        _notify(terminal, title, body)


def _osc_99(terminal: Terminal, argument: str) -> None:
    """Kitty's desktop notification, possibly in several parts under one identifier."""
    header, _, payload = argument.partition(";")
    fields = dict(item.partition("=")[::2] for item in header.split(":") if item)
    if fields.get("e") == "1":
        try:
            payload = base64.b64decode(payload, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return
    identifier = fields.get("i", "")
    title, body = terminal.notifications.pop(identifier, ("", ""))
    part = fields.get("p", "title")
    if part == "title":
        title = (title + payload)[:NOTIFICATION_LIMIT]
    elif part == "body":
        body = (body + payload)[:NOTIFICATION_LIMIT]
    else:
        return
    if fields.get("d") == "0":
        if len(terminal.notifications) < NOTIFICATIONS_OPEN:
            terminal.notifications[identifier] = (title, body)
    else:
        _notify(terminal, title, body)


def _prompt_mark(terminal: Terminal, argument: str) -> None:
    """FinalTerm's A, B, C and D with an exit status."""
    mark, _, rest = argument.partition(";")
    if mark == "D":
        status = rest.partition(";")[0]
        terminal.emit(EventKind.PROMPT_MARK, f"D;{status}" if status.lstrip("-").isdigit() else "D")
    elif mark in ("A", "B", "C"):
        terminal.emit(EventKind.PROMPT_MARK, mark)


def _clipboard(terminal: Terminal, argument: str) -> None:
    """OSC 52 ; selection ; base64; a request to read it is never answered."""
    if argument.partition(";")[2] != "?" and len(argument) <= CLIPBOARD_LIMIT:
        terminal.emit(EventKind.CLIPBOARD, argument)


_ACTIONS = {
    "0": _title_and_icon,
    "1": _icon,
    "2": _title,
    "7": _directory,
    "8": _link,
    "9": _osc_9,
    "52": _clipboard,
    "99": _osc_99,
    "133": _prompt_mark,
    "777": _osc_777,
}
