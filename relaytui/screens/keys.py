"""From the key events of the toolkit to key names: those of the action registry, and those a session is sent."""

from __future__ import annotations

from typing import Any

from textual.events import Key
from textual.screen import Screen

_NAMED = {"right_square_bracket": "]", "backslash": "\\", "circumflex_accent": "^", "underscore": "_", "at": "@"}
_MODIFIED = ("ctrl+", "alt+")
_BACKSPACE_BYTE = "\x08"
"""What a terminal sends for ctrl+h; the toolkit calls it backspace, as it does DEL."""


def key_name(event: Key) -> str:
    """The key as the action registry names it: `n`, `N`, `?`, `space`, `enter`, `ctrl+p`."""
    if event.character == " ":
        return "space"
    if event.character and event.is_printable and not event.key.startswith(_MODIFIED):
        return event.character
    return event.key


def take_key(screen: Screen[Any], event: Key) -> bool:
    """Let nothing else act on a key; whether it is the screen's, else the one that is in front now has been given it.

    Keys typed in one burst are all delivered to the screen that was in front when they came, also those after the
    one that opened a popup: they are meant for it, and here they would be commands.
    """
    event.stop()
    event.prevent_default()
    front = screen.app.screen
    if front is screen:
        return True
    (front.focused or front).post_message(Key(event.key, event.character))
    return False


def control_key(event: Key) -> str | None:
    """`ctrl+` and a character, as prefixes are written: `ctrl+]`, `ctrl+a`; None for any other key."""
    head, _, last = event.key.partition("+")
    if head != "ctrl" or "+" in last:
        return None
    character = _NAMED.get(last, last)
    return f"ctrl+{character}" if len(character) == 1 else None


def session_key(event: Key) -> str:
    """The key as `session.send` takes it; the node encodes it for the modes the program has on at that moment."""
    if event.key == "backspace" and event.character == _BACKSPACE_BYTE:
        return "ctrl+h"
    return key_name(event)
