"""From the key events of the toolkit to key names: those of the action registry, and those a session is sent."""

from __future__ import annotations

from textual.events import Key

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


def session_key(event: Key) -> str:
    """The key as `session.send` takes it; the node encodes it for the modes the program has on at that moment."""
    if event.key == "backspace" and event.character == _BACKSPACE_BYTE:
        return "ctrl+h"
    return key_name(event)
